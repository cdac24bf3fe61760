//! Our own samples: one of each pair that the schemas find valid, and one for each way to be wrong.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// An hour after the samples' incident.
const NOW: Time = Time(1_795_382_100);
const VALID: &str = include_str!("../../tests/xarf-valid.jsonl");
const INVALID: &str = include_str!("../../tests/xarf-invalid.jsonl");

fn valid(category: &str, kind: &str) -> Value {
    let all = VALID.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut fit = all.filter(|v| v["category"] == category && v["type"] == kind);
    fit.next().expect("one of each pair")
}

fn read_value(value: &Value) -> Result<Xarf, Vec<String>> {
    read(value.to_string().as_bytes(), NOW)
        .map_err(|all| all.into_iter().map(|(field, _)| field.into_owned()).collect())
}

#[test]
fn each_pair_is_taken() {
    assert_eq!(moment("2026-11-22T21:15:00Z"), Some(NOW));
    for (n, line) in VALID.lines().enumerate() {
        let taken = read(line.as_bytes(), NOW).unwrap_or_else(|why| panic!("{n}: {why:?}"));
        assert!(!taken.content.about.is_empty());
        assert!(!taken.content.text.contains("SECRET"), "`_internal` is not kept: {}", taken.content.text);
    }
    let pairs: BTreeSet<(&str, &str)> = KINDS.iter().map(|kind| (kind.category, kind.kind)).collect();
    let sampled = |(c, k): &(&str, &str)| valid(c, k)["type"] == *k;
    assert_eq!((pairs.len(), pairs.iter().filter(|pair| sampled(pair)).count()), (32, 32));
}

#[test]
fn each_fault_is_named_by_its_field() {
    for line in INVALID.lines() {
        let sample: Value = serde_json::from_str(line).expect("JSON");
        let wrong: Vec<String> = serde_json::from_value(sample["wrong"].clone()).expect("a list");
        let mut said = read_value(&sample["report"]).expect_err(&format!("{wrong:?} is wrong"));
        said.sort();
        let mut wrong = wrong;
        wrong.sort();
        assert_eq!(said, wrong, "{}", sample["report"]);
    }
}

/// Any pair that is not in the table, though both words are.
#[test]
fn no_other_pair_is_taken() {
    let mut refused = 0;
    for a in &KINDS {
        for b in &KINDS {
            let mut sample = valid(a.category, a.kind);
            sample["type"] = b.kind.into();
            let there = KINDS.iter().any(|kind| (kind.category, kind.kind) == (a.category, b.kind));
            if !there {
                assert!(read_value(&sample).expect_err("no such pair").contains(&"type".to_owned()));
                refused += 1;
            }
        }
    }
    assert!(refused > 800, "{refused}");
}

#[test]
fn what_is_reported_is_what_people_read() {
    let taken = read_value(&valid("content", "phishing")).expect("valid");
    let content = taken.content;
    assert_eq!((content.category, taken.evidence), (Category::Phishing, 1));
    let about: Vec<&str> = content.about.iter().map(Address::as_str).collect();
    assert_eq!(about, ["https://one.first.example/login", "192.0.2.7"]);
    assert_eq!(content.happened, Time::parse("2026-11-22T20:15:00Z"));
    assert_eq!(content.reporter.name.expect("named").as_str(), "Example CERT");
    assert_eq!(content.reporter.email.expect("known").as_str(), "abuse@cert.example");
    let form = ledger::Hash::of(b"<form>");
    let text = format!(
        "It looks like a bank and asks for the password.\n\nXARF 4.2.0 content/phishing, 0193a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b\n\
         source: 192.0.2.7\nconfidence: 0.95\ntags: phishing:bank, campaign:autumn\ntarget_brand: Example Bank\n\
         url: https://one.first.example/login\nevidence: text/html, 6 bytes, sha256 {form}: The form"
    );
    assert_eq!(content.text, text, "and nothing of the payload");
}

#[test]
fn pairs_are_held_for_our_categories() {
    for (pair, ours) in [
        (("content", "malware"), Category::Malware),
        (("content", "csam"), Category::ChildSexualAbuse),
        (("content", "csem"), Category::ChildSexualAbuse),
        (("connection", "ddos"), Category::NetworkAttack),
        (("content", "fraud"), Category::Illegal),
        (("messaging", "spam"), Category::Other),
    ] {
        assert_eq!(read_value(&valid(pair.0, pair.1)).expect("valid").content.category, ours, "{pair:?}");
    }
    for (word, ours) in [
        ("threat_to_life", Category::ThreatToLife),
        ("doxxing", Category::Doxxing),
        ("incitement", Category::Incitement),
        ("stalking", Category::Harassment),
    ] {
        let mut sample = valid("content", "exposed_data");
        sample["x_portcullis_type"] = word.into();
        let content = read_value(&sample).expect("valid").content;
        assert_eq!((content.category, content.good_faith), (ours, true));
    }
}

#[test]
fn of_the_abuse_of_children_only_hashes_are_taken() {
    let content = read_value(&valid("content", "csam")).expect("valid").content;
    let lines: Vec<&str> = content.text.lines().filter(|line| line.starts_with("evidence")).collect();
    let [image, note] = lines[..] else { panic!("{lines:?}") };
    assert_eq!(image, format!("evidence: image/jpeg, as its sender states sha256 {}", "ab".repeat(32)));
    assert_eq!(
        note,
        format!("evidence: text/plain, as its sender states sha256 {}: Reference", "cd".repeat(32))
    );
    // Calling it a threat does not open the door.
    let mut sample = valid("content", "csam");
    sample["x_portcullis_type"] = "threat_to_life".into();
    sample["evidence"] = json!([{ "content_type": "image/png", "payload": "AAAA", "hash": format!("sha256:{}", "ab".repeat(32)) }]);
    assert_eq!(read_value(&sample).expect_err("an image"), ["evidence[0].payload"]);
}

#[test]
fn a_name_twice_is_no_field_at_all() {
    let text = valid("content", "phishing").to_string();
    let twice = text.replacen("\"type\":\"phishing\"", "\"type\":\"phishing\",\"type\":\"malware\"", 1);
    let inner = text.replacen("\"org\":", "\"org\":\"x\",\"org\":", 1);
    for text in [twice, inner] {
        let all = read(text.as_bytes(), NOW).expect_err("twice");
        assert!(
            matches!(&all[..], [(field, why)] if field == "body" && why.contains("is there twice")),
            "{all:?}"
        );
    }
    let many = format!("{{\"a\":[{}0]}}", "0,".repeat(100_000));
    assert!(read(many.as_bytes(), NOW).expect_err("too many")[0].1.contains("100,000"));
    let third = json!({ "Version": "3", "ReporterInfo": {}, "Report": {} });
    assert_eq!(read_value(&third).expect_err("XARF 3"), ["Version"]);
}

#[test]
fn moments_are_read_with_their_offset() {
    for (text, plain) in [
        ("2026-11-22T20:15:00Z", Some("2026-11-22T20:15:00Z")),
        ("2026-11-22t20:15:00z", Some("2026-11-22T20:15:00Z")),
        ("2026-11-22T20:15:00.123456789Z", Some("2026-11-22T20:15:00Z")),
        ("2026-11-23T01:45:00+05:30", Some("2026-11-22T20:15:00Z")),
        ("2026-11-22T12:15:00.5-08:00", Some("2026-11-22T20:15:00Z")),
        ("2026-11-22T20:15:00", None),
        ("2026-11-22T20:15:00.Z", None),
        ("2026-11-22T20:15:00+5:30", None),
        ("2026-11-22T20:15:00+24:00", None),
        ("2026-02-30T20:15:00Z", None),
        ("1970-01-01T00:00:00+00:01", None),
        ("ä", None),
        ("2026-11-22T20:15:0ä", None),
    ] {
        assert_eq!(moment(text), plain.and_then(Time::parse), "{text}");
    }
}

proptest! {
    /// Whatever one field holds, the answer is a report or complaints, and what is kept can be kept.
    #[test]
    fn any_field_may_hold_anything(
        line in 0usize..32, field in 0usize..40, value in any::<u8>(), text in "\\PC{0,60}",
    ) {
        let mut sample: Value = serde_json::from_str(VALID.lines().nth(line).expect("32 lines")).expect("JSON");
        let values = [json!(text), json!(null), json!(0), json!(-1.5), json!([text]), json!({ (text.clone()): text }), json!(true), json!("")];
        let object = sample.as_object_mut().expect("an object");
        let names: Vec<String> = object.keys().cloned().chain([text.clone()]).collect();
        object.insert(names[field % names.len()].clone(), values[usize::from(value) % values.len()].clone());
        match read(sample.to_string().as_bytes(), NOW) {
            Ok(taken) => {
                let id = policy::Id::parse("rpt-1").expect("an id");
                let report = taken.content.report(id, policy::report::Channel::Xarf, ledger::Hash::of(b""), NOW);
                prop_assert_eq!(Report::parse(&report.to_string()).expect("can be kept"), report);
            }
            Err(why) => prop_assert!(!why.is_empty()),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes, NOW).is_err());
    }
}
