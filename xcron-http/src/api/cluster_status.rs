//! `GET /xcron/cluster`.

use super::Api;
use super::params::Params;
use super::refusal::Refusal;
use crate::answer::Answer;
use axum::extract::State;
use http::Uri;
use std::sync::Arc;

pub(super) async fn cluster_status(
    State(api): State<Arc<Api>>,
    uri: Uri,
) -> Result<Answer, Refusal> {
    let cluster = api.cluster()?;
    Params::parse(uri.query())?.finish(&[])?;
    Ok(Answer::done(&cluster.status()))
}
