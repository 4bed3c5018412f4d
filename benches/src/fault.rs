//! Why a measurement came to nothing: a sentence for whoever started it.

use std::error::Error;

/// Any error; the tool only prints it.
pub type Fault = Box<dyn Error + Send + Sync>;

/// What a step of a measurement comes to.
pub type Result<T> = std::result::Result<T, Fault>;
