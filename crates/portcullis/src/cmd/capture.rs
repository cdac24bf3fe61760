//! `portcullis capture`: what a page is now, kept. It reads no home, no configuration and no database.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use capture::{Allowed, Captured, Closed, Countries, Doors, Given, Job, Limits, NotCaptured, System, Trust};
use serde_json::Value;

use crate::cli::{self, Global};
use crate::desk_client::{list, text};
use crate::exit::{Exit, Failure, Result};
use crate::{clock, home, out};

/// Largest database of countries, bytes. GeoLite2-Country has 10 MB, those with cities 70.
const MAX_DATABASE: u64 = 256 * 1024 * 1024;

pub(super) async fn run(global: &Global, args: cli::Capture) -> Result<Exit> {
    free(&args.out)?;
    if root() {
        out::note(
            "portcullis: this runs as root and reads what strangers wrote; give it a user of its own (docs/capture.md)",
        );
    }
    let job = job(&args)?;
    let countries = args.country_db.as_deref().map(countries).transpose()?;
    let given = args.resolve.iter().map(|it| (it.host.clone(), it.port, it.address)).collect();
    let resolver = Given { hosts: given, next: System };
    let trust = Trust::mozilla();
    let doors = Doors { resolver: &resolver, trust: &trust, countries: countries.as_ref() };
    let captured = capture::capture(&job, &doors).await.map_err(not_captured)?;
    let id = text(&captured.result["task"], "uuid").to_owned();
    capture::place(&args.out, &id, &captured.files).map_err(|error| taken(&args.out, &error))?;
    if global.json {
        out::json(&captured.result);
    } else {
        tell(&args, &captured);
    }
    Ok(if captured.incomplete.is_empty() { Exit::Ok } else { Exit::Failed })
}

fn job(args: &cli::Capture) -> Result<Job> {
    let now = clock::unix_millis();
    let software = concat!("portcullis/", env!("CARGO_PKG_VERSION"));
    let limits = Limits {
        total: Duration::from_secs(args.max_time.0),
        redirects: args.max_redirects,
        ..Limits::default()
    };
    Ok(Job {
        url: args.url.clone(),
        id: uuid::Builder::from_unix_timestamp_millis(now, &home::random()?).into_uuid().into_bytes(),
        now,
        software: software.to_owned(),
        user_agent: args
            .user_agent
            .clone()
            .unwrap_or_else(|| format!("Mozilla/5.0 (compatible; {software})")),
        how: args.how.word().to_owned(),
        from_country: args.from_country.clone(),
        allowed: Allowed { networks: args.networks.clone(), ports: args.ports.clone() },
        limits,
    })
}

/// Whether we are root: our own entry in /proc belongs to whoever we are.
fn root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn free(out: &Path) -> Result<()> {
    capture::free(out).map_err(|error| taken(out, &error))
}

fn taken(out: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
            Failure::new(Exit::Exists, format!("{} is taken: {error}", out.display()))
                .next("choose another --out: a capture is never written over")
        }
        _ => Failure::io("write", out, error),
    }
}

fn countries(file: &Path) -> Result<Countries> {
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|it| it.take(MAX_DATABASE).read_to_end(&mut bytes));
    opened.map_err(|error| Failure::io("read", file, &error))?;
    Countries::read(bytes).map_err(|why| {
        Failure::input(format!("{} is no database of countries: {why}", file.display()))
            .next("give a file in MaxMind's format, as GeoLite2-Country.mmdb")
    })
}

fn not_captured(why: NotCaptured) -> Failure {
    let said = format!("nothing was captured: {why}");
    match why {
        NotCaptured::Address(_) => Failure::input(said).next("give an address that begins with http:// or https://"),
        NotCaptured::Closed(Closed::Refused(_)) => Failure::refused(said)
            .next("only public addresses and the ports 80 and 443 are spoken to; --allow-address and --port allow more"),
        NotCaptured::Closed(Closed::Unreachable(_)) => {
            Failure::new(Exit::Unavailable, said).next("try again later, or from elsewhere")
        }
    }
}

/// What a person wants to know first. Foreign words are kept short, and the text of the page is shown when asked for.
fn tell(args: &cli::Capture, captured: &Captured) {
    let (page, result) = (&captured.result["page"], &captured.result);
    out::data(format_args!("page       {}", short(text(page, "url"))));
    let mut from = text(page, "ip").to_owned();
    if let Some(country) = page["country"].as_str() {
        from += &format!(" ({country})");
    }
    out::data(format_args!("address    {from}"));
    out::data(format_args!("answer     {} {}", text(page, "status"), short(text(page, "mimeType"))));
    if let Some(title) = page["title"].as_str() {
        out::data(format_args!("title      {}", short(title)));
    }
    for hop in list(result, "redirects") {
        let way = format!("{} {}", hop["status"], text(hop, "kind"));
        let stopped = hop["why"].as_str().map_or_else(String::new, |why| format!(" (not followed: {why})"));
        out::data(format_args!(
            "redirect   {way}: {} -> {}{stopped}",
            short(text(hop, "from")),
            short(text(hop, "to"))
        ));
    }
    for tls in list(result, "tls") {
        out::data(format_args!("tls        {}: {}", short(text(tls, "url")), verdict(tls)));
    }
    for form in list(result, "forms") {
        tell_form(form);
    }
    for field in list(result, "looseFields") {
        out::data(format_args!("field      {} (in no form)", named(field)));
    }
    for network in list(&result["capture"], "allowedAddresses").filter_map(Value::as_str) {
        out::data(format_args!(
            "ALLOWED    {network}: this capture could speak to addresses that are not public"
        ));
    }
    for (name, bytes) in &captured.files {
        out::data(format_args!("file       {} ({} bytes)", args.out.join(name).display(), bytes.len()));
    }
    for hash in list(result, "hashes").filter(|it| text(it, "path") == capture::WARC) {
        out::data(format_args!("sha256     {}  {}", text(hash, "sha256"), capture::WARC));
    }
    captured.incomplete.iter().for_each(|why| out::data(format_args!("INCOMPLETE {}", short(why))));
    if args.text {
        out::data(format_args!("\n{}", captured.text.trim_end()));
    }
}

fn verdict(tls: &Value) -> String {
    let how = format!("{} {}", text(tls, "protocol"), text(tls, "cipher"));
    if tls["verified"].as_bool() == Some(true) {
        return format!("verifies ({how})");
    }
    let problems: Vec<&str> = list(tls, "problems").filter_map(Value::as_str).collect();
    format!("DOES NOT VERIFY: {} ({how})", short(&problems.join(", ")))
}

fn tell_form(form: &Value) {
    let names = ["name", "id"].iter().find_map(|it| form[*it].as_str()).unwrap_or("without a name");
    let hidden =
        form["hiddenBy"].as_str().map_or_else(String::new, |why| format!(", hidden: {}", short(why)));
    let target = form["action"].as_str().unwrap_or("no address");
    out::data(format_args!(
        "form       {} ({} {}{hidden})",
        short(names),
        text(form, "method"),
        short(target)
    ));
    for field in list(form, "inputs") {
        out::data(format_args!("             {}", named(field)));
    }
}

fn named(field: &Value) -> String {
    let mut words =
        format!("{} {}", short(text(field, "type")), short(field["name"].as_str().unwrap_or("-")));
    if field["required"].as_bool() == Some(true) {
        words += ", required";
    }
    if let Some(why) = field["hiddenBy"].as_str() {
        words += &format!(", hidden: {}", short(why));
    }
    words
}

/// One line of at most 120 characters: a page must not fill the screen.
fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if line.chars().count() <= 120 { line } else { line.chars().take(119).chain(['…']).collect() }
}
