//! The dashboard: what a browser gets, from where, and what it may do with it.

use crate::server::{Reply, TestServer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use url::Url;

const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; object-src 'none'; \
                      require-trusted-types-for 'script'";
const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;
/// Texts are as long as they are.
const TEXTS: [&str; 2] = ["en.js", "zh.js"];

/// The files as they lie in the source, by name.
fn files() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/assets");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(named).collect()
}

/// The paths that the page names, without those that lead within it.
fn named_by(page: &str) -> Vec<String> {
    let quoted = page.split('"').skip(1).step_by(2);
    quoted.filter(|text| text.starts_with("assets/")).map(str::to_owned).collect()
}

async fn version(server: &TestServer) -> String {
    let named = named_by(&server.get("/").await.text);
    named[0].split('/').nth(1).unwrap().to_owned()
}

async fn asked(server: &TestServer, line: &str, tag: &str) -> Reply {
    server.request(&format!("{line} HTTP/1.1\r\nif-none-match: {tag}"), "").await
}

#[tokio::test]
async fn the_page_is_served_with_a_policy_that_lets_nothing_foreign_in() {
    let server = TestServer::start().await;
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("content-security-policy"), Some(POLICY));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let head = server.request("HEAD / HTTP/1.1", "").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("etag"), page.header("etag"));
}

#[tokio::test]
async fn every_file_has_its_type_and_is_kept_for_good_under_its_version() {
    let server = TestServer::start().await;
    let version = version(&server).await;
    for (name, text) in files() {
        if name == "index.html" {
            continue;
        }
        let reply = server.get(&format!("/assets/{version}/{name}")).await;
        assert_eq!((reply.status, &reply.text), (200, &text), "{name}");
        let kind = match name.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other} has no type"),
        };
        assert_eq!(reply.header("content-type"), Some(kind), "{name}");
        assert_eq!(reply.header("content-security-policy"), Some(POLICY), "{name}");
        let kept = Some("public, max-age=31536000, immutable");
        assert_eq!(reply.header("cache-control"), kept, "{name}");
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_not_kept() {
    let server = TestServer::start().await;
    let reply = server.get("/assets/0123456789abcdef/app.js").await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-cache")));
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let server = TestServer::start().await;
    let asset = format!("GET /assets/{}/app.js", version(&server).await);
    for line in ["GET /", &asset] {
        let whole = asked(&server, line, "\"another\"").await;
        assert_eq!(whole.status, 200, "{line}");
        let tag = whole.header("etag").unwrap();
        let known = asked(&server, line, tag).await;
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{line}");
        assert_eq!(known.header("etag"), Some(tag), "{line}");
        assert_eq!(known.header("cache-control"), whole.header("cache-control"), "{line}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_refused_whatever_its_name() {
    let server = TestServer::start().await;
    for name in ["nothing.js", "index.html", "..%2fmod.rs", "%2e%2e", "app.js%00"] {
        let reply = server.get(&format!("/assets/any/{name}")).await;
        assert_eq!((reply.status, reply.code()), (404, 1404), "{name}");
    }
}

#[test]
fn all_that_is_named_is_there() {
    let files = files();
    let page = &files["index.html"];
    for path in named_by(page) {
        assert!(files.contains_key(path.rsplit('/').next().unwrap()), "{path}");
    }
    let mut used: BTreeSet<&str> = ["app.js"].into();
    for (name, text) in &files {
        for import in text.lines().filter_map(|line| line.split_once(" from \"./")) {
            let import = import.1.trim_end_matches("\";");
            assert!(files.contains_key(import), "{name} imports {import}");
            used.insert(import);
        }
    }
    let is_module = |name: &&String| name.ends_with(".js") && *name != "theme.js";
    for module in files.keys().filter(is_module) {
        assert!(used.contains(module.as_str()), "nothing imports {module}");
    }
}

#[test]
fn below_any_path_everything_is_asked_for_there() {
    let files = files();
    let base = Url::parse("https://example.org/ops/xcron/").unwrap();
    for path in named_by(&files["index.html"]) {
        assert!(base.join(&path).unwrap().path().starts_with("/ops/xcron/assets/"), "{path}");
    }
    // The only place that asks for anything does so by the page's own address.
    let asking = |(_, text): &(&String, &String)| text.contains("fetch(");
    let asking: Vec<&String> = files.iter().filter(asking).map(|(name, _)| name).collect();
    assert_eq!(asking, ["api.js"]);
    assert!(files["api.js"].contains("fetch(new URL(path, document.baseURI)"));
}

/// So that it works below any path, and sends nothing anywhere else.
#[test]
fn no_file_names_another_host_or_a_path_from_the_top() {
    for (name, text) in files() {
        for (number, line) in (1..).zip(text.lines()) {
            // A name of a format, not a place, and what a person might type into a field.
            let line = line.replace("http://www.w3.org/2000/svg", "").replace("\"https://\"", "");
            let begins = ["http:", "https:", "ws://", "wss://", "//cdn", "url(", "@import"];
            for begin in begins {
                assert!(!line.contains(begin), "{name}:{number}: {begin}");
            }
            for begin in ["src=\"/", "href=\"/", "from \"/", "import(", "fetch(\"/"] {
                assert!(!line.contains(begin), "{name}:{number}: {begin}");
            }
        }
    }
}

#[test]
fn no_file_takes_text_for_markup_or_code() {
    for (name, text) in files() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "<style",
            " style=",
            "javascript:",
        ] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
    let page = &files()["index.html"];
    assert_eq!(page.matches("<script").count(), page.matches("<script ").count(), "inline script");
    assert_eq!(page.matches("></script>").count(), page.matches("</script>").count());
}

#[test]
fn every_module_opens_with_its_responsibility_and_stays_small() {
    for (name, text) in files() {
        if name.ends_with(".js") {
            assert!(text.starts_with("// "), "{name} does not say what it is for");
        }
        assert!(text.lines().count() <= LINES_MAX, "{name} is too long");
        for (number, line) in (1..).zip(text.lines()) {
            let is_text = TEXTS.contains(&name.as_str());
            assert!(is_text || line.chars().count() <= COLUMNS_MAX, "{name}:{number} is too wide");
        }
    }
}

fn texts(file: &str) -> BTreeMap<String, String> {
    let (_, table) = file.split_once("export default ").unwrap();
    serde_json::from_str(table.trim_end().trim_end_matches(';')).unwrap()
}

/// The `{name}`s in a text.
fn values(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn every_english_text_has_a_chinese_one_with_the_same_values() {
    let files = files();
    let (english, chinese) = (texts(&files["en.js"]), texts(&files["zh.js"]));
    assert!(english.keys().eq(chinese.keys()));
    for (key, text) in &english {
        assert!(!text.is_empty() && !chinese[key].is_empty(), "{key} is empty");
        assert_eq!(values(text), values(&chinese[key]), "{key}");
        assert!(text.matches('|').count() < 2 && !chinese[key].contains('|'), "{key}");
    }
}

/// Keys are written out, or begin with what is written out: `` t(`status.${name}`) ``.
#[test]
fn every_text_is_used_and_every_used_one_is_there() {
    let files = files();
    let english = texts(&files["en.js"]);
    let code = |name: &&String| name.ends_with(".js") && !TEXTS.contains(&name.as_str());
    let code: Vec<&str> = files.keys().filter(code).map(|name| files[name].as_str()).collect();
    let code = code.join("\n");
    let quoted: BTreeSet<&str> = code.split('"').collect();
    let begun: BTreeSet<&str> =
        code.split('`').filter_map(|part| part.split_once("${")).map(|(begin, _)| begin).collect();
    for key in english.keys() {
        let is_begun = key.match_indices(['.', '_']).any(|(at, _)| begun.contains(&key[..=at]));
        let is_choice = key.starts_with("body_kind.");
        assert!(quoted.contains(key.as_str()) || is_begun || is_choice, "{key} is not used");
    }
    for used in code.split(" t(\"").chain(code.split("(t(\"")).skip(1) {
        let key = used.split('"').next().unwrap_or_default();
        let is_key =
            key.chars().all(|letter| letter.is_ascii_lowercase() || "._12".contains(letter));
        assert!(!is_key || english.contains_key(key), "there is no text {key}");
    }
}

#[tokio::test]
async fn the_metrics_of_the_node_are_there_for_whoever_may_read() {
    let server = TestServer::start().await;
    let reply = server.get("/xcron/metrics").await;
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for name in ["xcron_tasks{state=\"active\"} 0", "xcron_lateness_seconds_bucket", "xcron_fired"]
    {
        assert!(reply.text.contains(name), "{name}");
    }
    assert_eq!(reply.body, Value::Null);
}
