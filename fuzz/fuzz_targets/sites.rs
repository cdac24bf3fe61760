//! The sites file and hostnames as people write them.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(sites) = edge::Sites::parse(text, std::path::Path::new("/nowhere")) {
        let _ = sites.bindings();
    }
    if let Some(host) = edge::Host::parse(text) {
        assert_eq!(edge::Host::parse(host.as_str()).as_ref().map(edge::Host::as_str), Some(host.as_str()));
    }
});
