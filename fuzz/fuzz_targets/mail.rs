//! Mails as they arrive: each is read one way or another, and what is a report can be kept.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::report::Report;
use press::mail::{Reading, read};

fuzz_target!(|bytes: &[u8]| {
    let now = policy::Time(1_795_390_500);
    let Reading::Report(mail) = read(bytes, now) else { return };
    let report = mail.content.report(mail.id, mail.channel, ledger::Hash::of(b""), now);
    assert_eq!(Report::parse(&report.to_string()).expect("can be kept"), report);
});
