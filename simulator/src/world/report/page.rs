//! One run as an HTML page.

use super::markup::Escaped;
use super::scale::duration;
use super::{Run, Traffic, bus_load, time_line};

/// The page. It is readable without scripts, by day and by night, and on paper.
pub fn page(run: &Run) -> String {
    let title = format!("{} · seed {}", run.scenario, run.seed);
    let mut body = head(run);
    body += &section("What must hold", &verdicts(run));
    if !run.violations.is_empty() {
        body += &section("Invariants that were violated", &violations(run));
    }
    body += &section("Time line", &(time_line::legend() + &time_line::draw(run)));
    if !run.buses.is_empty() {
        body += &section("Bus load", &bus_load::draw(run));
    }
    body += &section("Bytes", &traffic(&run.traffic));
    body += &section("Faults", &faults(run));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n{body}</body>\n</html>\n",
        Escaped(&title)
    )
}

fn head(run: &Run) -> String {
    let (class, word) = if run.holds() { ("holds", "holds") } else { ("short", "falls short") };
    format!(
        "<header>\n<h1>{} <span class=\"badge {class}\">{word}</span></h1>\n\
         <p>vehicle <b>{}</b> · seed <b>{}</b> · {} of virtual time · {} · {}</p>\n</header>\n",
        Escaped(&run.scenario),
        Escaped(&run.vehicle),
        run.seed,
        duration(run.end.since_start()),
        host::cli::counted(run.ecus.len(), "ECU"),
        host::cli::counted(run.faults.len(), "fault"),
    )
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}</section>\n")
}

fn verdicts(run: &Run) -> String {
    let lines: String = run
        .verdicts
        .iter()
        .map(|verdict| {
            let must = Escaped(&verdict.must);
            match &verdict.falls_short {
                None => format!("<li class=\"holds\"><span>holds</span> {must}</li>\n"),
                Some(why) => {
                    let why = Escaped(why);
                    format!("<li class=\"short\"><span>falls short</span> {must}<br><small>{why}</small></li>\n")
                }
            }
        })
        .collect();
    if lines.is_empty() {
        "<p>Nothing was asked for.</p>\n".to_owned()
    } else {
        format!("<ul class=\"verdicts\">\n{lines}</ul>\n")
    }
}

fn violations(run: &Run) -> String {
    let rows = run
        .violations
        .iter()
        .map(|violation| [format!("{} s", violation.at), violation.invariant.clone(), violation.how.clone()]);
    table(["after", "invariant", "how"], [false; 3], rows)
}

fn traffic(traffic: &[Traffic]) -> String {
    let sum = |of: fn(&Traffic) -> u64| traffic.iter().map(of).fold(0_u64, u64::saturating_add);
    let total = Traffic {
        end: "together".to_owned(),
        over: String::new(),
        payload: sum(|traffic| traffic.payload),
        wire: sum(|traffic| traffic.wire),
        messages: sum(|traffic| traffic.messages),
    };
    let rows = traffic.iter().chain((traffic.len() > 1).then_some(&total)).map(|row| {
        let overhead = match u128::from(row.wire.saturating_sub(row.payload)) * 100 / u128::from(row.payload.max(1)) {
            _ if row.payload == 0 => "-".to_owned(),
            percent => format!("{percent} %"),
        };
        [row.end.clone(), row.over.clone(), grouped(row.payload), grouped(row.wire), overhead, grouped(row.messages)]
    });
    let header = ["for", "over", "payload, bytes", "on the wire, bytes", "more", "messages"];
    table(header, [false, false, true, true, true, true], rows)
}

fn faults(run: &Run) -> String {
    if run.faults.is_empty() {
        return "<p>None.</p>\n".to_owned();
    }
    let rows = run.faults.iter().map(|fault| [format!("{} s", fault.at), fault.place.clone(), fault.what.clone()]);
    let table = table(["at", "where", "what"], [false; 3], rows);
    format!("<details>\n<summary>All {}, in the order of time</summary>\n{table}</details>\n", run.faults.len())
}

/// A table; columns of figures are set to the right.
fn table<const N: usize>(header: [&str; N], figures: [bool; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let class = |figures: &bool| if *figures { " class=\"figure\"" } else { "" };
    let cells = |cells: [String; N], tag: &str| -> String {
        let cells = cells
            .iter()
            .zip(&figures)
            .map(|(cell, figures)| format!("<{tag}{}>{}</{tag}>", class(figures), Escaped(cell)));
        cells.collect()
    };
    let head = cells(header.map(str::to_owned), "th");
    let rows: String = rows.map(|row| format!("<tr>{}</tr>\n", cells(row, "td"))).collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n")
}

/// A number with a thin space between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

const STYLE: &str = include_str!("page.css");
