//! Passkeys at the desk: enrolled under a link, logged in with, and what they sign. An authenticator and its browser
//! are played by the ledger's testkit; `tests/whole` has a real browser.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::Hash;
use ledger::testkit::Passkey;
use policy::testkit::House;
use serde_json::{Value, json};

use super::bed::Bed;

const ORIGIN: &str = "https://desk.example.org";

fn passkey(name: &str, n: u8) -> Passkey {
    Passkey::from_seed(name, ORIGIN, [n; 32]).expect("a scalar")
}

fn url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn challenge(begun: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(begun["publicKey"]["challenge"].as_str().expect("a challenge")).expect("Base64")
}

async fn post(bed: &Bed, path: &str, body: &Value) -> (u16, Value) {
    let (status, said) = bed.ask(&format!("POST {path} json {body}")).await;
    (status.as_u16(), serde_json::from_str(&said).expect("JSON"))
}

/// The path of a new link for whoever has this token.
async fn link(bed: &Bed, who: &str) -> String {
    let (status, said) = bed.ask(&format!("POST /api/v1/passkeys/links as {who}")).await;
    assert_eq!(status, 201, "{said}");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let link = said["link"].as_str().expect("a link");
    link.strip_prefix(ORIGIN).expect("at the desk's origin").to_owned()
}

/// The credential's id in the testkit.
fn id() -> String {
    url(&[0; 16])
}

async fn enrol(bed: &Bed, path: &str, passkey: &Passkey) -> (u16, Value) {
    let (status, begun) = post(bed, &format!("{path}/begin"), &json!({})).await;
    if status != 200 {
        return (status, begun);
    }
    let (object, client) = passkey.attestation(&challenge(&begun));
    let answer = json!({ "id": id(), "rawId": id(), "type": "public-key", "extensions": {},
        "response": { "attestationObject": url(&object), "clientDataJSON": url(&client) } });
    post(bed, &format!("{path}/finish"), &json!({ "id": begun["id"], "answer": answer })).await
}

fn answer(passkey: &Passkey, challenge: &[u8]) -> Value {
    let (data, client, signature) = passkey.answer(challenge);
    json!({ "id": id(), "rawId": id(), "type": "public-key", "extensions": {},
        "response": { "authenticatorData": url(&data), "clientDataJSON": url(&client), "signature": url(&signature),
            "userHandle": null } })
}

/// Status, and the cookie that the browser keeps.
async fn enter(bed: &Bed, name: &str, passkey: &Passkey) -> (u16, String) {
    let (status, begun) = post(bed, "/enter/begin", &json!({ "name": name })).await;
    assert_eq!(status, 200, "{begun}");
    let body = json!({ "name": name, "id": begun["id"], "answer": answer(passkey, &challenge(&begun)) });
    let response = bed.respond(&format!("POST /enter/finish json {body}")).await;
    let cookie = response.headers().get("set-cookie").map(|v| v.to_str().expect("text").to_owned());
    (response.status().as_u16(), cookie.unwrap_or_default())
}

/// The secret in it.
fn secret(cookie: &str) -> &str {
    cookie.split_once('=').and_then(|(_, rest)| rest.split_once(';')).expect("a cookie").0
}

#[tokio::test]
async fn a_passkey_is_made_under_a_link_and_logs_in() {
    let bed = Bed::new().await;
    let path = link(&bed, "analyst").await;
    let (status, page) = bed.ask(&format!("GET {path}")).await;
    assert!(status == 200 && page.contains("A passkey for analyst"), "{page}");
    let csp = bed.respond("GET /enter").await.headers()["content-security-policy"].clone();
    let csp = csp.to_str().expect("ASCII").to_owned();
    let (_, enter_page) = bed.ask("GET /enter").await;
    for page in [&page, &enter_page] {
        let script =
            page.split("<script>").nth(1).and_then(|s| s.split("</script>").next()).expect("a script");
        assert!(
            csp.contains(&Hash::of(script.as_bytes()).to_base64()),
            "the policy names the script that is there"
        );
        assert!(!page.contains("In force now"), "who is not in is told nothing");
    }
    let key = passkey("demo:analyst", 9);
    let (status, made) = enrol(&bed, &path, &key).await;
    assert_eq!(status, 200, "{made}");
    let vkey = key.verifier().expect("a key").to_string();
    assert_eq!(made["key"], vkey.split('+').nth(1).expect("an id"));
    assert_eq!(enrol(&bed, &path, &key).await.0, 404, "a link makes one");
    let (_, listed) = bed.ask("GET /api/v1/passkeys as reader").await;
    assert!(
        listed.contains(&format!("\"key\":\"{vkey}\"")) && listed.contains("\"in_policy\":false"),
        "{listed}"
    );

    let (status, cookie) = enter(&bed, "analyst", &key).await;
    assert_eq!(status, 200);
    for attribute in ["__Host-portcullis=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let secret = secret(&cookie);
    // It does what its token does, and nothing more.
    bed.run(&format!(
        "GET /api/v1/cases login {secret}\n  200\nGET / login {secret}\n  200 | analyst | Log out\n\
         POST /api/v1/notes login {secret} from {ORIGIN} body finding\n  403 | \"code\":\"forbidden\"\n\
         GET /api/v1/cases\n  401\nGET /api/v1/cases login {}\n  401\n",
        Hash::of(b"guessed")
    ))
    .await;
    // What changes something has to come from a page of ours.
    let open = r#"{"id":"cas-9","title":"One"}"#;
    bed.run(&format!(
        "POST /api/v1/cases login {secret} json {open}\n  403 | \"code\":\"foreign\"\n\
         POST /api/v1/cases login {secret} from https://evil.example json {open}\n  403 | \"code\":\"foreign\"\n\
         POST /api/v1/cases login {secret} from null json {open}\n  403 | \"code\":\"foreign\"\n\
         POST /api/v1/cases login {secret} from {ORIGIN} json {open}\n  201\n\
         POST /leave login {secret} from https://evil.example\n  403\n\
         GET /api/v1/cases login {secret}\n  200\n\
         POST /leave login {secret} from {ORIGIN}\n  303\n\
         GET /api/v1/cases login {secret}\n  401\n"
    ))
    .await;
}

#[tokio::test]
async fn what_is_over_used_or_somebody_elses_makes_no_passkey_and_no_login() {
    let bed = Bed::new().await;
    let key = passkey("demo:officer", 9);
    // A link's time.
    let path = link(&bed, "officer").await;
    bed.at(900);
    assert_eq!(enrol(&bed, &path, &key).await.0, 404);
    assert_eq!(enrol(&bed, "/passkey/guessed", &key).await.0, 404);
    // A browser at another origin, and another challenge than the one given.
    let path = link(&bed, "officer").await;
    let elsewhere =
        Passkey::from_seed("demo:officer", "https://desk.example.com", [9; 32]).expect("a scalar");
    assert_eq!(enrol(&bed, &path, &elsewhere).await.0, 422);
    let (_, begun) = post(&bed, &format!("{path}/begin"), &json!({})).await;
    let (object, client) = key.attestation(&[7; 32]);
    let made = json!({ "id": id(), "rawId": id(), "type": "public-key", "extensions": {},
        "response": { "attestationObject": url(&object), "clientDataJSON": url(&client) } });
    let finish = format!("{path}/finish");
    assert_eq!(post(&bed, &finish, &json!({ "id": begun["id"], "answer": made })).await.0, 422);
    assert_eq!(enrol(&bed, &path, &key).await.0, 200, "the link is there still");

    // Another key, another name, an answer to another question, and one that comes too late.
    assert_eq!(enter(&bed, "officer", &passkey("demo:officer", 8)).await.0, 422);
    assert_eq!(enter(&bed, "other", &key).await.0, 422);
    assert_eq!(enter(&bed, "nobody", &key).await.0, 422);
    let (_, begun) = post(&bed, "/enter/begin", &json!({ "name": "officer" })).await;
    let old = json!({ "name": "officer", "id": begun["id"], "answer": answer(&key, &challenge(&begun)) });
    bed.at(900 + 301);
    assert_eq!(post(&bed, "/enter/finish", &old).await.0, 422);
    let (_, begun) = post(&bed, "/enter/begin", &json!({ "name": "officer" })).await;
    let body = json!({ "name": "officer", "id": begun["id"], "answer": answer(&key, &challenge(&begun)) });
    assert_eq!(post(&bed, "/enter/finish", &body).await.0, 200);
    assert_eq!(post(&bed, "/enter/finish", &body).await.0, 422, "an answer counts once");
}

/// Who has a passkey is nobody's business: a name without one is asked in the same way.
#[tokio::test]
async fn names_without_a_passkey_are_asked_like_the_others() {
    let bed = Bed::new().await;
    assert_eq!(enrol(&bed, &link(&bed, "officer").await, &passkey("demo:officer", 9)).await.0, 200);
    let shape = async |name: &str| {
        let (status, mut begun) = post(&bed, "/enter/begin", &json!({ "name": name })).await;
        assert_eq!(status, 200);
        let (_, again) = post(&bed, "/enter/begin", &json!({ "name": name })).await;
        let credential = &begun["publicKey"]["allowCredentials"][0]["id"];
        assert_eq!(
            *credential, again["publicKey"]["allowCredentials"][0]["id"],
            "{name}: the same each time"
        );
        for place in ["/id", "/publicKey/challenge", "/publicKey/allowCredentials/0/id"] {
            *begun.pointer_mut(place).unwrap_or_else(|| panic!("{name}: {place}")) = Value::Null;
        }
        begun
    };
    assert_eq!(shape("officer").await, shape("nobody").await);
}

#[tokio::test]
async fn a_login_ends_with_its_night_its_passkey_or_its_token() {
    let bed = Bed::new().await;
    let (officer, other) = (passkey("demo:officer", 9), passkey("demo:other", 8));
    assert_eq!(enrol(&bed, &link(&bed, "officer").await, &officer).await.0, 200);
    let (_, cookie) = enter(&bed, "officer", &officer).await;
    let login = secret(&cookie);
    bed.at(12 * 3600 - 1);
    bed.run(&format!("GET /api/v1/status login {login}\n  200")).await;
    bed.at(12 * 3600);
    bed.run(&format!("GET /api/v1/status login {login}\n  401")).await;
    let (_, cookie) = enter(&bed, "officer", &officer).await;
    let (login, vkey) = (secret(&cookie), officer.verifier().expect("a key"));
    // Nobody takes out somebody else's.
    bed.run(&format!(
        "POST /api/v1/passkeys/remove as other json {{\"key\":\"{vkey}\"}}\n  404\n\
         GET /api/v1/status login {login}\n  200\n\
         POST /api/v1/passkeys/remove as officer json {{\"key\":\"{vkey}\"}}\n  200\n\
         GET /api/v1/status login {login}\n  401"
    ))
    .await;
    assert_eq!(enrol(&bed, &link(&bed, "other").await, &other).await.0, 200);
    let (_, cookie) = enter(&bed, "other", &other).await;
    bed.run(&format!("GET /api/v1/status login {}\n  200", secret(&cookie))).await;
    bed.store.remove_token("other").await.expect("removed");
    bed.store.add_token("other", &Hash::of(b"new"), "officer", bed.desk.now()).await.expect("a token");
    bed.run(&format!("GET /api/v1/status login {}\n  401", secret(&cookie))).await;
}

#[tokio::test]
async fn a_passkey_that_the_policy_names_approves_beside_an_ssh_key() {
    let house = House::new("demo:localhost/ledger", super::bed::START).with_passkeys();
    let bed = Bed::of(house, false).await;
    bed.run(
        "POST /api/v1/blobs as officer body subject\n  201\nPOST /api/v1/blobs as officer body post\n  201\n\
         POST /api/v1/notes as officer body finding\n  201\n\
         POST /api/v1/notes/fnd-1/signatures as officer phone finding anna\n  200 | \"person\":\"anna\"\n\
         POST /api/v1/notes/fnd-1/signatures as officer phone finding ben\n  200 | \"state\":\"published\"\nat 60\n\
         POST /api/v1/notes as officer body impose\n  201\n\
         POST /api/v1/notes/imp-1/signatures as officer phone finding clara\n  422 | does not verify\n\
         POST /api/v1/notes/imp-1/signatures as officer phone impose clara\n  200 | \"state\":\"collecting\"\n\
         POST /api/v1/notes/imp-1/signatures as officer phone impose ben\n  200 | \"state\":\"collecting\" | 1 more signature by an SSH key\n\
         GET /api/v1/status as reader\n  200 | \"in_force\":[]\n\
         POST /api/v1/notes/imp-1/signatures as officer sign impose ben\n  200 | \"state\":\"published\"\n",
    )
    .await;
    bed.run("POST /api/v1/notes/imp-1/signatures as officer json {\"passkey\":\"x\"}\n  422 | missing field")
        .await;
}

#[tokio::test]
async fn the_page_of_a_proposal_asks_for_the_passkey_that_may_sign_it() {
    let house = House::new("demo:localhost/ledger", super::bed::START).with_passkeys();
    let bed = Bed::of(house, false).await;
    let at = bed.desk.now();
    for (name, role) in [("clara", "officer"), ("emil", "analyst")] {
        bed.store.add_token(name, &Hash::of(name.as_bytes()), role, at).await.expect("a token");
        let person = bed.house.people.iter().position(|p| p.0 == name).expect("a person");
        assert_eq!(enrol(&bed, &link(&bed, name).await, &bed.house.passkeys[person]).await.0, 200);
        // The testkit gives all credentials one id; one is there at a time.
        bed.run("POST /api/v1/blobs as officer body subject\n  201\nPOST /api/v1/blobs as officer body post\n  201").await;
        bed.run("POST /api/v1/notes as officer body finding\n  201").await;
        let (_, cookie) = enter(&bed, name, &bed.house.passkeys[person]).await;
        let (_, page) = bed.ask(&format!("GET /proposals/fnd-1 login {}", secret(&cookie))).await;
        assert_eq!(page.contains("data-passkey=\"sign\""), role == "officer", "{name}: {page}");
        let key = bed.house.passkeys[person].verifier().expect("a key").to_string();
        bed.store.remove_passkey(&key).await.expect("removed");
    }
    let (_, page) = bed.ask("GET /proposals/fnd-1 as officer").await;
    assert!(!page.contains("data-passkey=\"sign\""), "without a passkey there is none to ask for");
}
