//! What a page may say: addresses in odd spellings, refreshes, markup. No address that is not public gets through.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(refresh) = capture::parse_refresh(text)
        && let Some(to) = refresh.to
    {
        assert!(text.contains(&to));
    }
    if let Ok(url) = capture::read_address(text) {
        assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty());
        let again = capture::read_address(url.as_str()).expect("what was read is an address");
        assert_eq!(again, url);
        if let Some(host) = url.host_str()
            && let Ok(address) = host.parse::<std::net::Ipv4Addr>()
            && (address.is_loopback() || address.is_private())
        {
            assert!(capture::refusal(address.into()).is_some());
        }
    }
    if let Ok(page) = capture::read_address("http://page.example/") {
        capture::read_page(text, &page);
    }
});
