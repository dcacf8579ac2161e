//! `fleetctl types list|show|check`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::{InventoryArg, TypesCommand};
use crate::cli::exit_status::ExitStatus;
use crate::cli::terminal::{Terminal, print, shown_path, write};
use crate::device_type::{
    Action, Catalog, CommandSource, DeviceType, ParamKind, ParamSpec, Request, load_file, run_vectors,
};
use crate::diagnostic::{Diagnostics, Sources, nearest};
use crate::model::escape::printable;
use crate::model::{ParamValue, Params, Secret};
use crate::report::{TypeRow, write_types_json, write_types_text};
use crate::run::load_catalog;

pub(in crate::cli) fn run(command: TypesCommand, terminal: &Terminal) -> ExitStatus {
    match command {
        TypesCommand::List { inventory, format } => list(&inventory, &format, terminal),
        TypesCommand::Show { name, inventory } => show(&name, &inventory, terminal),
        TypesCommand::Check { file } => check(&file, terminal),
    }
}

/// All types; mistakes in the user's own files are shown, and end it.
fn catalog(args: &InventoryArg, terminal: &Terminal) -> Option<Catalog> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let catalog = load_catalog(Some(&args.inventory), &args.types, &mut sources, &mut diagnostics);
    terminal.show(&diagnostics, &sources);
    (!diagnostics.has_errors()).then_some(catalog)
}

fn list(args: &InventoryArg, format: &str, terminal: &Terminal) -> ExitStatus {
    let as_json = match format {
        "json" => true,
        "table" => false,
        other => return terminal.mistake(format!("`--format {other}`: a list is `table` or `json`"), None),
    };
    let Some(catalog) = catalog(args, terminal) else { return ExitStatus::Usage };
    let rows: Vec<TypeRow> = catalog
        .iter()
        .map(|one| TypeRow {
            name: one.name.to_string(),
            title: one.title.to_string(),
            port: one.port,
            actions: one.actions().map(|action| action.name.to_string()).collect(),
            origin: one.origin.to_string(),
        })
        .collect();
    write(
        |out| {
            if as_json {
                write_types_json(out, &rows)
            } else {
                write_types_text(out, &rows, terminal.table(true, true))
            }
        },
    )
}

fn show(name: &str, args: &InventoryArg, terminal: &Terminal) -> ExitStatus {
    let Some(catalog) = catalog(args, terminal) else { return ExitStatus::Usage };
    let Some(one) = catalog.get(name) else {
        let help = match nearest(name, catalog.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", catalog.names().collect::<Vec<_>>().join(", ")),
        };
        return terminal.mistake(format!("there is no device type `{name}`"), Some(&help));
    };
    print(&describe(one))
}

/// A type in words.
fn describe(one: &Arc<DeviceType>) -> String {
    let mut text = format!("{}: {}\n", one.name, printable(&one.title));
    let mut fact = |name: &str, value: String| _ = writeln!(text, "  {name:<10}{value}");
    if let Some(source) = &one.source {
        fact("source", printable(source));
    }
    fact("origin", one.origin.to_string());
    if let Some(unconfirmed) = &one.unconfirmed {
        fact("unsure", printable(unconfirmed));
    }
    fact("port", one.port.map_or_else(|| "must be given with the address".to_owned(), |port| port.to_string()));
    if let Some(unit) = &one.unit_param {
        fact("unit", format!("`{unit}` tells the devices of one gateway apart"));
    }
    let span = |span| humantime::format_duration(span).to_string();
    let link = &one.link;
    let times = [("gap", link.gap), ("quiet", link.quiet), ("busy delay", link.busy_delay)];
    let times: Vec<String> = times.iter().map(|(name, time)| format!("{name} {}", span(*time))).collect();
    let clients = link.clients.map_or_else(String::new, |clients| format!(", clients at once {clients}"));
    let words = crate::model::Medium::WORDS;
    let medium = words.iter().find(|(_, medium)| *medium == link.medium).map_or("network", |(word, _)| word);
    let reuse = if link.reuse { "" } else { ", a connection for each command" };
    let half_close = if link.half_close { ", our side is closed after the command" } else { "" };
    let telnet = link.telnet;
    fact("link", format!("{}, telnet {telnet}, medium {medium}{clients}{reuse}{half_close}", times.join(", ")));
    if let Some(time) = one.timing.reply_timeout {
        fact("waits", format!("{} for a reply, unless a command says otherwise", span(time)));
    }
    let frame = if one.send.text.is_empty() { "{body}" } else { &one.send.text };
    // A file may hold a line end itself instead of its escape.
    let frame = frame.replace('\r', r"\r").replace('\n', r"\n").replace('\0', r"\0");
    fact("request", format!("`{}`", printable(&frame)));
    for reply in &one.replies {
        let framing = reply.framing.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        fact("reply", format!("{}: {framing}", reply.name));
    }
    let names = one.params.iter().map(|param| param.name.len()).chain(one.actions().map(|action| action.name.len()));
    let width = names.max().unwrap_or(0) + 2;
    if !one.params.is_empty() {
        text.push_str("\nparameters\n");
        for param in &one.params {
            let is_needed = param.default.is_none() && !matches!(param.kind, ParamKind::Secret { .. });
            let needed = if is_needed { "; must be given where it is used" } else { "" };
            _ = writeln!(text, "  {:<width$}{}{needed}", param.name, spec(param));
        }
    }
    text.push_str("\nactions\n");
    if one.actions().next().is_none() {
        text.push_str("  none: a command is given with `--cmd`\n");
    }
    for action in one.actions() {
        let request = some_request(one, action);
        let again = if request.as_ref().is_some_and(Request::is_idempotent) { "" } else { ", never sent twice" };
        let counts = if request.as_ref().is_some_and(Request::draws_inrush) { ", counts for circuits" } else { "" };
        _ = writeln!(text, "  {:<width$}sends `{}`{again}{counts}", action.name, printable(&action.text));
        for arg in &action.args {
            _ = writeln!(text, "  {:<width$}  --arg {}: {}", "", arg.name, spec(arg));
        }
    }
    text
}

/// The command that an action makes for some device: what is true of it may be said by the type's command patterns.
fn some_request(one: &Arc<DeviceType>, action: &Action) -> Option<Request> {
    let some = |spec: &ParamSpec| {
        let value = match &spec.kind {
            ParamKind::Int { min, .. } => ParamValue::Int(*min),
            ParamKind::Bool => ParamValue::Bool(false),
            ParamKind::Text { .. } => ParamValue::Text("x".into()),
            ParamKind::Bytes { len } => ParamValue::Bytes(vec![0; *len].into()),
            ParamKind::Choice { values } => ParamValue::Choice(values.first()?.0.clone()),
            ParamKind::Secret { .. } => ParamValue::Secret(Secret::new("x".to_owned())),
        };
        Some((spec.name.clone(), spec.default.clone().unwrap_or(value)))
    };
    let params: Params = one.params.iter().chain(&action.args).filter_map(some).collect();
    let source = CommandSource::Action(action.name.clone());
    one.body(&source, &params).and_then(|body| one.request(&source, body, false)).ok()
}

fn spec(param: &ParamSpec) -> String {
    let kind = match &param.kind {
        ParamKind::Int { min, max, step: 1 } => format!("{min} to {max}"),
        ParamKind::Int { min, max, step } => format!("{min} to {max} in steps of {step}"),
        ParamKind::Bool => "true or false".to_owned(),
        ParamKind::Text { max_len } => format!("text of at most {max_len} bytes"),
        ParamKind::Bytes { len: 1 } => "1 byte in hex".to_owned(),
        ParamKind::Bytes { len } => format!("{len} bytes in hex"),
        ParamKind::Choice { values } => values.iter().map(|(word, _)| printable(word)).collect::<Vec<_>>().join(", "),
        ParamKind::Secret { max_len } => format!("secret of at most {max_len} bytes"),
    };
    match &param.default {
        Some(default) => format!("{kind}; {} where none is given", printable(&default.to_string())),
        None => kind,
    }
}

fn check(file: &Path, terminal: &Terminal) -> ExitStatus {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let loaded = load_file(&PathBuf::from(file), &mut sources, &mut diagnostics);
    terminal.show(&diagnostics, &sources);
    let Some(one) = loaded.filter(|_| !diagnostics.has_errors()) else { return ExitStatus::Usage };
    let results = run_vectors(&Arc::new(one));
    let width = results.iter().map(|result| printable(&result.id).chars().count()).max().unwrap_or(0).max(6);
    let mut text = String::new();
    let mut row = |word: &str, id: &str, detail: &str| {
        let line = format!("{word:<6}  {id:<width$}  {detail}");
        _ = writeln!(text, "{}", line.trim_end());
    };
    row("RESULT", "VECTOR", "WHAT IS NOT SO");
    for result in &results {
        row(if result.passed { "ok" } else { "FAILED" }, &printable(&result.id), &result.detail);
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    _ = writeln!(text, "{}: {} vectors, {failed} failed", shown_path(file), results.len());
    match (print(&text), failed) {
        (ExitStatus::Success, 0) => ExitStatus::Success,
        (ExitStatus::Success, _) => ExitStatus::Failures,
        (other, _) => other,
    }
}
