//! `callback` of a task, read from its fields.

use super::choice::{self, METHOD};
use super::fields::Fields;
use super::raw_json::{DEPTH_MAX, compact};
use super::refusal::Refusal;
use crate::answer::Code;
use std::collections::BTreeMap;
use xcron_core::{Callback, CallbackBody, Method};

/// Its fields.
pub(crate) const FIELDS: &[&str] = &["url", "body", "method", "headers"];

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
    fields.set("method", &mut callback.method, Method::default(), method)?;
    fields.set("headers", &mut callback.headers, BTreeMap::new(), headers)?;
    fields.set("body", &mut callback.body, None, body)?;
    fields.finish(FIELDS)?;
    Ok(callback)
}

fn method(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Method>, Refusal> {
    let Some(text) = fields.text(name)? else {
        return Ok(None);
    };
    let refuse = || {
        let problem = choice::expected(METHOD, &text);
        Refusal::new(Code::Callback, format!("callback.method {problem}"))
    };
    choice::find(METHOD, &text).map(Some).ok_or_else(refuse)
}

/// A string is sent as it is, any other value as its JSON text.
fn body(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<CallbackBody>, Refusal> {
    let Some(value) = fields.raw(name) else {
        return Ok(None);
    };
    if value.get().starts_with('"') {
        let text: String = serde_json::from_str(value.get())
            .map_err(|error| fields.refuse(name, &format!("is no readable string: {error}")))?;
        return Ok(Some(CallbackBody::Text(text.into())));
    }
    let text = compact(value.get()).ok_or_else(|| {
        let message = format!("callback.body is nested deeper than {DEPTH_MAX} levels");
        Refusal::new(Code::Callback, message)
    })?;
    Ok(Some(CallbackBody::Json(text.into())))
}

/// The names of headers in lower case, with their values.
fn headers(
    fields: &mut Fields<'_>,
    name: &'static str,
) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let Some(headers) = fields.texts(name)? else {
        return Ok(None);
    };
    let mut lower = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if lower.contains_key(&name) {
            let message = format!("callback.headers has {name} twice, expected it once");
            return Err(Refusal::new(Code::Callback, message));
        }
        lower.insert(name, value);
    }
    Ok(Some(lower))
}
