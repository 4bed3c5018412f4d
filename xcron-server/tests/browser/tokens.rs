//! A server that lets nobody in without a token.

use crate::browser::Browser;
use crate::process::Home;

const TOKEN: &str = "look-look-look-look";
const TOKENS: &str = "[{ name = \"look\", token_env = \"LOOK\", role = \"read\" }]";

#[tokio::test]
async fn a_token_is_asked_for_and_kept_in_the_tab_alone() {
    let Some(mut browser) = Browser::open("tokens").await else { return };
    let home = Home::new().with("XCRON_AUTH__TOKENS", TOKENS).with("LOOK", TOKEN);
    let server = home.start().await;
    let origin = format!("http://{}/", server.http);
    browser.go(&format!("{origin}#/tasks")).await;
    browser.write("Bearer token", "wrong-wrong-wrong-wrong").await;
    browser.press("Use it").await;
    browser.see("the token is not known").await;
    browser.write("Bearer token", TOKEN).await;
    browser.press("Use it").await;
    browser.see("There are no tasks yet").await;
    browser.forgive("401 (Unauthorized)");

    // Who may only look is told so, and nothing is done.
    browser.press("New task").await;
    browser.write("URL", "http://127.0.0.1:9/").await;
    browser.press("Create task").await;
    browser.see("the token has the role read, expected write or more").await;
    browser.forgive("403 (Forbidden)");

    assert!(browser.asked().iter().all(|url| !url.contains(TOKEN)), "{:?}", browser.asked());
    let held = browser.value("JSON.stringify([location.href, {...localStorage}])").await;
    assert!(!held.to_string().contains(TOKEN), "{held}");
    browser.assert_clean(&origin);
    server.stop().await;
}
