//! XARF reports as anybody sends them: what is taken can be kept, and what is `_internal` is not.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::report::{Channel, Report};

fuzz_target!(|bytes: &[u8]| {
    let now = policy::Time(1_795_390_500);
    let Ok(taken) = press::xarf::read(bytes, now) else { return };
    let id = policy::Id::parse("rpt-1").expect("an id");
    let report = taken.content.report(id, Channel::Xarf, ledger::Hash::of(b""), now);
    assert_eq!(Report::parse(&report.to_string()).expect("can be kept"), report);
    assert!(!report.text.contains("_internal: "));
});
