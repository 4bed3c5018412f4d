//! `callback` of a task, read from its fields.

use super::choice::{self, METHOD};
use super::fields::Fields;
use super::raw_json::{DEPTH_MAX, compact};
use super::refusal::Refusal;
use crate::answer::Code;
use std::collections::BTreeMap;
use xcron_core::{Callback, CallbackBody, Method};

/// Its fields.
pub(super) const FIELDS: &[&str] = &["url", "body", "method", "headers"];

/// Reads the callback; what is absent is as in `base`, if there is one, and what is null has its
/// default. Whether it can be sent is the dispatcher's to judge.
pub(super) fn callback(
    task: &mut Fields<'_>,
    base: Option<&Callback>,
) -> Result<Callback, Refusal> {
    let Some(mut fields) = task.object("callback", "callback.")? else {
        let missing = || task.missing("callback", "an object with a url");
        return base.cloned().ok_or_else(missing);
    };
    let mut callback = match (fields.text("url")?, base) {
        (Some(url), None) => Callback::new(url.as_ref()),
        (Some(url), Some(base)) => Callback { url: url.as_ref().into(), ..base.clone() },
        (None, Some(base)) => base.clone(),
        (None, None) => return Err(fields.missing("url", "an http or https URL")),
    };
    for name in fields.nulls() {
        match name {
            "body" => callback.body = None,
            "method" => callback.method = Method::default(),
            "headers" => callback.headers.clear(),
            _ => {}
        }
    }
    if let Some(name) = fields.text("method")? {
        callback.method = choice::find(METHOD, &name).ok_or_else(|| {
            let problem = choice::expected(METHOD, &name);
            Refusal::new(Code::Callback, format!("callback.method {problem}"))
        })?;
    }
    if let Some(headers) = fields.texts("headers")? {
        callback.headers = lower_case(headers)?;
    }
    callback.body = body(&mut fields)?.or(callback.body);
    fields.finish(FIELDS)?;
    Ok(callback)
}

/// A string is sent as it is, any other value as its JSON text.
fn body(fields: &mut Fields<'_>) -> Result<Option<CallbackBody>, Refusal> {
    let Some(value) = fields.raw("body") else {
        return Ok(None);
    };
    if value.get().starts_with('"') {
        let text: String = serde_json::from_str(value.get())
            .map_err(|error| fields.refuse("body", &format!("is no readable string: {error}")))?;
        return Ok(Some(CallbackBody::Text(text.into())));
    }
    let text = compact(value.get()).ok_or_else(|| {
        let message = format!("callback.body is nested deeper than {DEPTH_MAX} levels");
        Refusal::new(Code::Callback, message)
    })?;
    Ok(Some(CallbackBody::Json(text.into())))
}

fn lower_case(headers: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut lower = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if lower.contains_key(&name) {
            let message = format!("callback.headers has {name} twice, expected it once");
            return Err(Refusal::new(Code::Callback, message));
        }
        lower.insert(name, value);
    }
    Ok(lower)
}
