//! Reports as the inbox keeps them, and what they are put together with.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::report::cluster::{Cluster, place};
use policy::report::{Address, Report};

fuzz_target!(|text: &str| {
    let _ = Report::read_text(text);
    if let Ok(address) = Address::parse(text)
        && let Some(host) = address.host()
    {
        assert!(policy::subject::is_hostname(&host));
    }
    if let Ok(report) = Report::parse(text) {
        assert_eq!(report.to_string(), text);
        let own = Cluster::of(&report);
        assert!(place(&own, std::slice::from_ref(&own)).is_some(), "a report says what it says");
    }
});
