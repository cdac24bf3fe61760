//! A post becomes a page without script, form or style, whatever it holds.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(post) = press::post::Post::parse(bytes) else { return };
    let html = post.html.to_ascii_lowercase();
    for bad in ["<script", "<style", "<form", "<iframe", "<img", "<a href=\"javascript:", "<a href=\"data:"] {
        assert!(!html.contains(bad), "{bad}");
    }
});
