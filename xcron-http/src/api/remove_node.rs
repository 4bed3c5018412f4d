//! `POST /xcron/cluster/removeNode`.

use super::Api;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::answer::Answer;
use crate::auth::Subject;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Removed {}

pub(super) async fn remove_node(
    State(api): State<Arc<Api>>,
    subject: Subject,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let cluster = api.cluster()?;
    let mut fields = Fields::of_body(&body)?;
    let Some(node_id) = take_node(&mut fields)? else {
        return Err(fields.missing("node_id", "the id of a node"));
    };
    subject.note_node(node_id);
    fields.finish(&["node_id"])?;
    cluster.remove_node(node_id).await?;
    Ok(Answer::done(&Removed {}))
}

/// Takes the field `node_id`; ids begin at 1.
pub(super) fn take_node(fields: &mut Fields<'_>) -> Result<Option<u64>, Refusal> {
    match fields.count("node_id")? {
        Some(0) => Err(fields.refuse("node_id", "is 0, expected 1 or more")),
        node_id => Ok(node_id),
    }
}
