//! Addresses that somebody left with a report: what is taken is one address, and cannot begin a header.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::MailAddress;

fuzz_target!(|text: &str| {
    if let Ok(address) = MailAddress::parse(text) {
        assert!(address.as_str().bytes().all(|c| c.is_ascii_graphic()));
        assert!(!address.as_str().contains(['<', '>', ',', ';', ':', '"', '\\', '(', ')', '[', ']']));
        assert_eq!(MailAddress::parse(address.as_str()), Ok(address));
    }
});
