//! `POST /xcron/cluster/transferLeader`.

use super::Api;
use super::fields::Fields;
use super::refusal::Refusal;
use super::remove_node::take_node;
use crate::answer::Answer;
use crate::auth::Subject;
use crate::serve::WholeBody;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Transferred {
    leader: u64,
}

pub(super) async fn transfer_leader(
    State(api): State<Arc<Api>>,
    subject: Subject,
    WholeBody(body): WholeBody,
) -> Result<Answer, Refusal> {
    let cluster = api.cluster()?;
    let mut fields = Fields::of_body(&body)?;
    let node_id = take_node(&mut fields)?;
    if let Some(node_id) = node_id {
        subject.note_node(node_id);
    }
    fields.finish(&["node_id"])?;
    let leader = cluster.transfer_leader(node_id).await?;
    Ok(Answer::done(&Transferred { leader }))
}
