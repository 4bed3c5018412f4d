//! `GET /xcron/defaults`: what a task gets for all that its creator leaves open.
//!
//! Some of it is the configuration's to say, so nobody else can know it.

use super::Api;
use super::definition::new_task;
use super::fields::Fields;
use super::options_view::{CallbackOptionsView, OptionsView};
use super::params::Params;
use super::refusal::Refusal;
use crate::answer::Answer;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use std::sync::Arc;

/// The least that a creator says.
const LEAST: &[u8] =
    br#"{"type": 1, "format": "@daily", "callback": {"url": "http://localhost/"}}"#;

#[derive(Serialize)]
struct Defaults<'a> {
    callback: CallbackOptionsView<'a>,
    #[serde(flatten)]
    options: OptionsView<'a>,
    paused: bool,
}

pub(super) async fn defaults(State(api): State<Arc<Api>>, uri: Uri) -> Result<Answer, Refusal> {
    Params::parse(uri.query())?.finish(&[])?;
    let task = new_task(Fields::of_body(LEAST)?, &api.settings, || "least".to_owned())?;
    Ok(Answer::done(&Defaults {
        callback: CallbackOptionsView::of(&task.definition.callback),
        options: OptionsView::of(&task.definition),
        paused: task.paused,
    }))
}
