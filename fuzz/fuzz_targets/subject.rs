//! Blobs and the trust line: what reads prints as the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::{Subject, Trust, assessment::Assessment};

fuzz_target!(|text: &str| {
    if let Ok(subject) = Subject::parse(text) {
        assert_eq!(subject.to_string(), text);
    }
    if let Ok(assessment) = Assessment::parse(text) {
        assert_eq!(assessment.to_string(), text);
    }
    if let Ok(trust) = Trust::parse(text) {
        assert_eq!(trust.to_string(), text.trim_end_matches('\n'));
    }
});
