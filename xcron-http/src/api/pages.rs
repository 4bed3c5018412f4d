//! `/` for people and `/openapi.json` for programs.

use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// The description of the API, kept by hand and compared with it by a test.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>xcron</title>
<h1>xcron</h1>
<p>A task scheduler that people can trust with money. Create the first task:</p>
<pre>curl -d '{
  \"type\": 1, \"format\": \"* * * * *\", \"callback\": {\"url\": \"http://127.0.0.1:9000/\"}
}' http://127.0.0.1:8000/xcron/createTask</pre>
<p>Every call, field and error: <a href=\"/openapi.json\">openapi.json</a></p>
</html>
";

pub(super) async fn page() -> Response {
    ([(CONTENT_SECURITY_POLICY, "default-src 'self'")], Html(PAGE)).into_response()
}

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
