use super::look::{Look, look};
use super::*;
use proptest::prelude::*;
use url::Url;

fn page(html: &str) -> Look {
    look(&Document::parse(html, || true), &Url::parse("https://page.example/dir/page").expect("a url"))
}

/// The page of the event in shape: a form that is seen, and one that is moved off the screen.
const TWO_FORMS: &str = r#"<!doctype html><html lang=en><title> The
 post </title><body><h1>Blocking</h1><p>First <b>line</b>.<p>Second&nbsp;line<br>third
<form id=sub name=subscribe method=POST action="/subscribe"><label>E-mail <input type=email name=email required
  autocomplete=email placeholder=you@example.org></label><input type=hidden name=from value="the post"><button>Go</button></form>
<div style="position:absolute; left:-9999px"><form action="https://elsewhere.example/x"><input name=website tabindex=-1>
<select name=why><option>One<option>Two</select><textarea name=t></textarea><input type=PASSWORD name=p></form></div>
<script>document.write('not text')</script><style>p{}</style><template><form><input name=never></form></template>
<a href="../about#x">About</a> <a href="https://other.example/">Other</a> <a href="../about#x">again</a>"#;

#[test]
fn both_forms_are_found_with_every_field_and_which_one_is_seen() {
    let look = page(TWO_FORMS);
    let [seen, off] = &look.forms[..] else { panic!("two forms, not {}", look.forms.len()) };
    assert_eq!(
        (seen.id.as_deref(), seen.name.as_deref(), &*seen.method),
        (Some("sub"), Some("subscribe"), "post")
    );
    assert_eq!(seen.action.as_ref().map(Url::as_str), Some("https://page.example/subscribe"));
    let fields: Vec<_> = seen.inputs.iter().map(|it| (it.name.as_deref(), &*it.kind, it.required)).collect();
    assert_eq!(
        fields,
        [(Some("email"), "email", true), (Some("from"), "hidden", false), (None, "submit", false)]
    );
    let hidden: Vec<_> = seen.inputs.iter().map(|it| it.hidden.as_deref()).collect();
    assert_eq!(hidden, [None, Some("type=hidden"), None]);
    assert_eq!(
        (seen.hidden.as_deref(), off.hidden.as_deref()),
        (None, Some("moved off the screen on <div>"))
    );
    assert_eq!(off.method, "get");
    let kinds: Vec<_> = off.inputs.iter().map(|it| (&*it.kind, it.hidden.is_some())).collect();
    assert_eq!(kinds, [("text", true), ("select", true), ("textarea", true), ("password", true)]);
    assert!(
        seen.html.starts_with("<form id=\"sub\" name=\"subscribe\"") && seen.html.ends_with("</form>"),
        "{}",
        seen.html
    );
    assert!(!seen.html_cut && look.loose.is_empty() && look.cut.is_empty());
}

#[test]
fn title_text_and_links_are_those_of_the_page() {
    let look = page(TWO_FORMS);
    assert_eq!((look.title.as_deref(), look.language.as_deref()), (Some("The post"), Some("en")));
    assert!(look.text.starts_with("Blocking\nFirst line.\nSecond line\nthird\n"), "{:?}", look.text);
    assert!(!look.text.contains("not text") && !look.text.contains("p{}") && !look.text.contains("The post"));
    let links: Vec<_> = look.links.iter().map(|(url, text)| (url.as_str(), &**text)).collect();
    assert_eq!(links, [("https://page.example/about#x", "About"), ("https://other.example/", "Other")]);
    assert_eq!(look.scripts, 1);
}

#[test]
fn a_field_belongs_to_the_form_it_names_to_the_parsers_or_to_none() {
    let look = page(
        "<input name=loose><form id=a><table><tr><form id=never><td><input name=in-a></form><input name=named form=b></table>\
         <input name=after></form><form id=b></form><input name=late form=a><input name=nowhere form=none>",
    );
    let names =
        |inputs: &[look::Input]| -> Vec<String> { inputs.iter().filter_map(|it| it.name.clone()).collect() };
    assert_eq!(look.forms.len(), 2);
    // The form is still open where the table ends: it was closed where it could not be.
    assert_eq!(names(&look.forms[0].inputs), ["in-a", "after", "late"]);
    assert_eq!(names(&look.forms[1].inputs), ["named"]);
    assert_eq!(names(&look.loose), ["loose", "nowhere"]);
}

#[test]
fn base_refresh_and_noscript() {
    let look = page(
        "<meta http-equiv=ReFresh content='0; url=next'><base href='//cdn.example/x/'><noscript><form action=y></form></noscript>",
    );
    assert_eq!(look.refresh.expect("one").to.as_deref(), Some("next"));
    assert_eq!(look.base.as_ref().map(Url::as_str), Some("https://cdn.example/x/"));
    assert_eq!(look.forms[0].action.as_ref().map(Url::as_str), Some("https://cdn.example/x/y"));
}

#[test]
fn markup_made_to_be_large_deep_or_slow_ends_at_a_limit() {
    for html in [
        "<div>".repeat(300_000),
        "<p><b>".repeat(100_000),
        (0..60_000).map(|n| format!("<b a{n}>")).collect::<String>() + &"<p>x".repeat(2_000),
        "<table><b>x".repeat(50_000),
        "<form>".repeat(1000) + &"<input></form><form>".repeat(6000),
        "<i><svg><template><table><select>".repeat(20_000),
    ] {
        // A step counts as time here: no clock, the same on every machine.
        let mut steps = 20_000;
        let document = Document::parse(&html, || {
            steps -= 1;
            steps > 0
        });
        assert!(document.nodes.len() <= limits::NODES);
        let look = look(&document, &Url::parse("http://x.example/").expect("a url"));
        assert!(look.forms.len() <= limits::FORMS && look.text.len() <= limits::TEXT + 4);
        assert!(look.forms.iter().map(|form| form.html.len()).sum::<usize>() <= limits::FORMS_HTML);
    }
    assert_eq!(Document::parse(&"<br>".repeat(limits::NODES + 1), || true).cut, Some("nodes"));
    assert_eq!(Document::parse("<p>x", || false).cut, Some("time"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the page: no panic, no node twice in the tree, and each parent knows its children.
    #[test]
    fn any_page_is_a_tree(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "<p>", "</p>", "<b>", "</b>", "<a>", "</a>", "<table>", "</table>", "<tr>", "<td>", "<form>", "</form>",
                "<input>", "<select>", "</select>", "<option>", "<template>", "</template>", "<svg>", "</svg>", "<math>",
                "<div hidden>", "</div>", "<frameset>", "<body x>", "<html y>", "<noscript>", "<title>", "x", " ", "<li>",
                "<button>", "<caption>", "<ruby><rt>", "<!--c-->", "<?pi?>", "<i style=left:-9999px>", "</i>", "<nobr>",
            ]),
            0..60,
        )
    ) {
        let document = Document::parse(&parts.concat(), || true);
        let mut reached = vec![false; document.nodes.len()];
        let mut open = vec![ROOT];
        while let Some(at) = open.pop() {
            prop_assert!(!std::mem::replace(&mut reached[at], true), "node {} twice", at);
            for child in &document.nodes[at].children {
                prop_assert_eq!(document.nodes[*child].parent, Some(at));
            }
            open.extend(&document.nodes[at].children);
        }
        look(&document, &Url::parse("http://x.example/").expect("a url"));
    }
}
