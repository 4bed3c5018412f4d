//! The dashboard: a page for people, made of files that are part of the program.
//!
//! There is no step that builds them: what lies in `assets` is what a browser gets, as modules
//! that import each other by relative names. It all comes from the API that programs use, with the
//! token of whoever looks, so the files themselves are for everybody. Nothing is asked of any other
//! host and every address is relative, so that a proxy may put all of it below a path of its own.
//!
//! The files lie below a name that is made of what they hold. A browser keeps them for good, and
//! asks for others when the page names others.

use crate::answer::{Answer, Code};
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// What each path of the dashboard is called by the router.
pub(crate) const PATHS: [&str; 2] = ["/", "/assets/{version}/{file}"];

/// No script or style that is not a file from here, nothing from or to elsewhere, no frame around
/// it, and no text that is taken for markup.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     object-src 'none'; require-trusted-types-for 'script'",
);
/// Asked for again each time, but only answered with a body when it is another one.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const KEEP_FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Bytes of the digest that names the files: enough to tell any two programs apart.
const VERSION_BYTES: usize = 8;

const HTML: &str = "text/html; charset=utf-8";
const INDEX: &str = include_str!("assets/index.html");

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("assets/", $name)))),*]
    };
}

/// Every file that the page asks for. A test compares the list with the folder.
const ASSETS: &[(&str, &str)] = assets![
    "actions.js",
    "api.js",
    "app.js",
    "base.css",
    "chart.js",
    "curl.js",
    "dialog.js",
    "dom.js",
    "en.js",
    "forecast.js",
    "form.js",
    "i18n.js",
    "icon.svg",
    "icons.js",
    "live.js",
    "metrics.js",
    "nodes.js",
    "page-audit.js",
    "page-cluster.js",
    "page-edit.js",
    "page-overview.js",
    "page-runs.js",
    "page-task.js",
    "page-tasks.js",
    "page-timeline.js",
    "pages.css",
    "parts.css",
    "parts.js",
    "router.js",
    "rows.js",
    "run-view.js",
    "schedule.js",
    "settings.js",
    "theme.js",
    "time.js",
    "toast.js",
    "zh.js",
];

/// The name of this version of the files, made of all that they hold.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new_with_prefix(INDEX);
    for (name, text) in ASSETS {
        // Lengths keep two files from being taken for one.
        digest.update(name.len().to_be_bytes());
        digest.update(name);
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    }
    digest.finalize().iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect()
});

/// The page, with the version in the names of its files.
static PAGE: LazyLock<String> = LazyLock::new(|| INDEX.replace("{version}", &VERSION));

/// The routes of [`PATHS`].
pub(crate) fn dashboard_routes() -> Router {
    let [page_path, asset_path] = PATHS;
    Router::new().route(page_path, get(page)).route(asset_path, get(asset))
}

async fn page(headers: HeaderMap) -> Response {
    answer(&headers, HTML, &PAGE, ASK_AGAIN)
}

/// A file. Where nodes of two versions stand behind one address a page may ask for a file of the
/// other version: it gets this one, which is not kept.
async fn asset(Path((version, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some((name, text)) = ASSETS.iter().find(|(name, _)| *name == file) else {
        return Answer::error(Code::NotFound, "the dashboard has no such file").into_response();
    };
    let keep = if version == *VERSION { KEEP_FOR_GOOD } else { ASK_AGAIN };
    answer(&headers, kind(name), text, keep)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    }
}

fn answer(
    asked: &HeaderMap,
    kind: &'static str,
    text: &'static str,
    keep: HeaderValue,
) -> Response {
    let tag = format!("\"{}\"", *VERSION);
    let is_known = asked.get_all(IF_NONE_MATCH).iter().any(|known| names(known, &tag));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, keep),
    ];
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let body = if is_known { Body::empty() } else { Body::from(text) };
    (status, headers, [(ETAG, tag)], body).into_response()
}

/// Whether an `if-none-match` names `tag`, as strong or as weak.
fn names(known: &HeaderValue, tag: &str) -> bool {
    let tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.map(|each| each.strip_prefix("W/").unwrap_or(each)).any(|each| each == tag || each == "*")
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, HeaderValue, INDEX, PAGE, VERSION, names};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_folder_is_part_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/assets");
        let there = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let there: BTreeSet<String> = there.map(|name| name.into_string().unwrap()).collect();
        let mut listed: BTreeSet<String> = ASSETS.iter().map(|(name, _)| (*name).into()).collect();
        listed.insert("index.html".into());
        assert_eq!(there, listed);
    }

    #[test]
    fn the_page_names_its_files_by_what_they_hold() {
        assert_eq!(VERSION.len(), 16);
        let named = INDEX.matches("assets/{version}/").count();
        assert_eq!(PAGE.matches(&format!("assets/{}/", *VERSION)).count(), named);
        assert!(named > 3 && !PAGE.contains("{version}"));
    }

    #[test]
    fn a_tag_is_found_among_others() {
        for (known, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(known), "\"a\""), expected, "{known}");
        }
    }
}
