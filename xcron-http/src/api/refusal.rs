//! Why a request is refused, and what the errors of the core mean to a client.

use crate::answer::{Answer, Code};
use crate::cluster::{ClusterError, ClusterErrorKind};
use axum::response::{IntoResponse, Response};
use xcron_core::decide::{AdmitError, AmendError};
use xcron_core::schedule::ScheduleErrorKind;
use xcron_core::{
    ChangeError, CreateError, DeleteError, Effect, InvalidField, ScheduleError, StoreError,
    StoreErrorKind,
};

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal(Answer);

impl Refusal {
    /// Refused with `code`, because of what `message` says.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Answer::error(code, message))
    }

    /// Its code and what it says, for an item of a batch.
    pub(super) fn told(self) -> (Code, String) {
        self.0.told()
    }

    /// There was no room for a write, and nothing of it was done: 1429.
    pub(super) fn nothing_done(message: impl Into<String>) -> Self {
        Self(Answer::error(Code::Overloaded, message).with_effect(Effect::None))
    }

    /// A field is not what was expected: 1000.
    pub(super) fn field(field: &str, problem: impl AsRef<str>) -> Self {
        Self::new(Code::Malformed, format!("{field} {}", problem.as_ref()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<InvalidField> for Refusal {
    fn from(error: InvalidField) -> Self {
        Self::new(Code::Malformed, error.to_string())
    }
}

impl From<ScheduleError> for Refusal {
    fn from(error: ScheduleError) -> Self {
        match error.kind() {
            ScheduleErrorKind::Timezone => Self::new(Code::Malformed, error.to_string()),
            _ => Self::new(Code::Format, format!("format: {error}")),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match error.kind() {
            StoreErrorKind::Overloaded => Code::Overloaded,
            StoreErrorKind::Unavailable => Code::Unavailable,
            StoreErrorKind::Fatal => Code::Internal,
        };
        Self(Answer::error(code, error.to_string()).with_effect(error.effect()))
    }
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Self {
        let code = match error.kind() {
            ClusterErrorKind::NoSuchNode => Code::NotFound,
            ClusterErrorKind::Refused => Code::Conflict,
            ClusterErrorKind::Invalid => Code::Malformed,
            ClusterErrorKind::Unavailable => Code::Unavailable,
            ClusterErrorKind::Internal => Code::Internal,
        };
        Self(Answer::error(code, error.to_string()).with_effect(error.effect()))
    }
}

impl From<AdmitError> for Refusal {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Invalid(field) => field.into(),
            past @ AdmitError::Past { .. } => Self::new(Code::Past, past.to_string()),
            AdmitError::NeverFires => Self::new(Code::Format, error.to_string()),
        }
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            missing @ ChangeError::Missing(_) => Self::new(Code::NotFound, missing.to_string()),
            ChangeError::Refused(refused) => refused.into(),
            ChangeError::Callback(error) => Self::new(Code::Callback, error.to_string()),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<AmendError> for Refusal {
    fn from(error: AmendError) -> Self {
        let code = match error {
            AmendError::Invalid(field) => return field.into(),
            AmendError::Refused(refused) => return refused.into(),
            AmendError::Version { .. } | AmendError::Finished => Code::Conflict,
            AmendError::Full | AmendError::Busy => return Self::nothing_done(error.to_string()),
            AmendError::Decided => Code::Format,
            AmendError::NotFailed(_) => Code::NotFound,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(refused) => refused.into(),
            CreateError::Callback(error) => Self::new(Code::Callback, error.to_string()),
            exists @ CreateError::Exists(_) => Self::new(Code::Conflict, exists.to_string()),
            CreateError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteError> for Refusal {
    fn from(error: DeleteError) -> Self {
        match error {
            missing @ DeleteError::Missing(_) => Self::new(Code::NotFound, missing.to_string()),
            DeleteError::Store(error) => error.into(),
        }
    }
}
