//! Why a request is refused, and what the errors of the core mean to a client.

use crate::answer::{Answer, Code};
use crate::cluster::{ClusterError, ClusterErrorKind};
use axum::response::{IntoResponse, Response};
use xcron_core::decide::AdmitError;
use xcron_core::schedule::ScheduleErrorKind;
use xcron_core::{
    CreateError, DeleteError, InvalidField, ScheduleError, StoreError, StoreErrorKind,
};

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal(Answer);

impl Refusal {
    /// Refused with `code`, because of what `message` says.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Answer::error(code, message))
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

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(AdmitError::Invalid(field)) => field.into(),
            CreateError::Refused(past @ AdmitError::Past { .. }) => {
                Self::new(Code::Past, past.to_string())
            }
            CreateError::Refused(never) => Self::new(Code::Format, never.to_string()),
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
