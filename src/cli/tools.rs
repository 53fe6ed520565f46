//! `bureau tools`: the tools that the configuration offers, and what each costs.

use std::iter::Sum;
use std::sync::Arc;

use bureau_kernel::option::{self, Audience};
use bureau_kernel::tool::{Effect, Entry, WireForm};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A tool, and what it costs where the program can count it.
struct Tool<'a> {
    entry: &'a Entry,
    tokens: Option<Tokens>,
}

/// A group with what it costs when it is on.
struct Group {
    name: &'static str,
    about: &'static str,
    tools: usize,
    offered: usize,
    /// What all its tools may cost, as a model sees them; a test holds them to it.
    most_tokens: usize,
    tokens: Option<Tokens>,
}

/// What something costs: as a model sees it, and over the wire.
#[derive(Clone, Copy, Default)]
struct Tokens {
    visible: usize,
    wire: usize,
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            visible: sum.visible + one.visible,
            wire: sum.wire + one.wire,
        })
    }
}

impl Tokens {
    fn put(tokens: Option<Self>, into: &mut Map<String, Value>) {
        if let Some(tokens) = tokens {
            into.insert("tokens".into(), tokens.visible.into());
            into.insert("wire_tokens".into(), tokens.wire.into());
        }
    }
}

/// What each of these tools costs. Only a program with the vocabulary counts it.
#[cfg(feature = "tokens")]
fn counted(tools: &[WireForm], output_schemas: bool) -> Result<Vec<Option<Tokens>>> {
    let counter = crate::tokens::Counter::new()?;
    let count = |tool| Tokens {
        visible: counter.visible(tool),
        wire: counter.wire(tool, output_schemas),
    };
    Ok(tools.iter().map(count).map(Some).collect())
}

/// What each of these tools costs: unknown in a program without the vocabulary.
#[cfg(not(feature = "tokens"))]
fn counted(tools: &[WireForm], _: bool) -> Result<Vec<Option<Tokens>>> {
    Ok(vec![None; tools.len()])
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let registry = boot::registry(config).map_err(usage)?;
    let is_offered = |entry: &Entry| {
        registry.is_enabled(entry) && (entry.spec.effect.reads_only() || !config.read_only)
    };
    let audience = Audience {
        confirm: config.confirm,
        has_others: false,
        attributes: Arc::default(),
    };
    let entries = registry.entries();
    let listed: Vec<WireForm> = entries
        .map(|entry| option::listed(entry, &audience))
        .collect();
    let tokens = counted(&listed, config.output_schemas)?;
    let all: Vec<Tool<'_>> = registry
        .entries()
        .zip(tokens)
        .map(|(entry, tokens)| Tool { entry, tokens })
        .collect();
    let offered: Vec<&Tool<'_>> = all.iter().filter(|tool| is_offered(tool.entry)).collect();
    let total = sum(offered.iter().copied());
    let groups: Vec<Group> = registry
        .modules()
        .iter()
        .map(|module| {
            let own = || all.iter().filter(|tool| tool.entry.module == module.name);
            Group {
                name: module.name,
                about: module.about,
                tools: own().count(),
                offered: own().filter(|tool| is_offered(tool.entry)).count(),
                most_tokens: module.tokens,
                tokens: sum(own()),
            }
        })
        .collect();
    if arguments.json {
        return print::json(&as_json(&offered, &groups, total));
    }
    print::out(&as_text(&offered, &groups, total))
}

fn sum<'a>(tools: impl Iterator<Item = &'a Tool<'a>>) -> Option<Tokens> {
    let sum: Option<Tokens> = tools.map(|tool| tool.tokens).sum();
    sum.filter(|_| cfg!(feature = "tokens"))
}

fn as_json(offered: &[&Tool<'_>], groups: &[Group], total: Option<Tokens>) -> Value {
    let tools = offered.iter().map(|tool| {
        let spec = &tool.entry.spec;
        let mut shown = Map::from_iter([
            ("name".to_owned(), spec.name.into()),
            ("group".to_owned(), tool.entry.module.into()),
            ("effect".to_owned(), effect(tool.entry).into()),
            ("permission".to_owned(), spec.permission.name().into()),
            ("description".to_owned(), spec.about.into()),
        ]);
        Tokens::put(tool.tokens, &mut shown);
        Value::Object(shown)
    });
    let groups = groups.iter().map(|group| {
        let mut shown = Map::from_iter([
            ("name".to_owned(), group.name.into()),
            ("about".to_owned(), group.about.into()),
            ("tools".to_owned(), group.tools.into()),
            ("offered".to_owned(), group.offered.into()),
            ("most_tokens".to_owned(), group.most_tokens.into()),
        ]);
        Tokens::put(group.tokens, &mut shown);
        Value::Object(shown)
    });
    let (tools, groups): (Vec<Value>, Vec<Value>) = (tools.collect(), groups.collect());
    let mut shown = Map::from_iter([
        ("tools".to_owned(), json!(tools)),
        ("groups".to_owned(), json!(groups)),
    ]);
    Tokens::put(total, &mut shown);
    Value::Object(shown)
}

fn as_text(offered: &[&Tool<'_>], groups: &[Group], total: Option<Tokens>) -> String {
    // With no column for what is not known.
    let shown = |tokens: Option<Tokens>| {
        let tokens = tokens.map(|tokens| [tokens.visible.to_string(), tokens.wire.to_string()]);
        tokens.unwrap_or_default()
    };
    let (visible, wire) = match total {
        Some(_) => ("tokens", "wire"),
        None => ("", ""),
    };
    let rows: Vec<[String; 7]> = offered
        .iter()
        .map(|tool| {
            let spec = &tool.entry.spec;
            let [visible, wire] = shown(tool.tokens);
            [
                spec.name.to_owned(),
                tool.entry.module.to_owned(),
                effect(tool.entry).to_owned(),
                spec.permission.name().to_owned(),
                visible,
                wire,
                spec.about.to_owned(),
            ]
        })
        .collect();
    let head = [
        "tool",
        "group",
        "effect",
        "permission",
        visible,
        wire,
        "description",
    ];
    let mut text = print::table(head, &rows);
    let rows: Vec<[String; 6]> = groups
        .iter()
        .map(|group| {
            let [visible, wire] = shown(group.tokens);
            [
                group.name.to_owned(),
                format!("{} of {}", group.offered, group.tools),
                group.most_tokens.to_string(),
                visible,
                wire,
                group.about.to_owned(),
            ]
        })
        .collect();
    let head = [
        "group",
        "tools on",
        "most tokens",
        visible,
        wire,
        "what it is for",
    ];
    text.push('\n');
    text.push_str(&print::table(head, &rows));
    let count = offered.len();
    text.push_str(&match total {
        Some(total) => format!(
            "\n{count} tools are offered. A model sees {} tokens of them (o200k) in every conversation; their list has {} on the wire.\n",
            total.visible, total.wire
        ),
        None => {
            let on = groups.iter().filter(|group| group.offered > 0);
            let most: usize = on.map(|group| group.most_tokens).sum();
            format!(
                "\n{count} tools are offered. A model sees at most {most} tokens of their groups (o200k) in every conversation; built with `--features tokens`, Bureau counts them.\n",
            )
        }
    });
    text
}

fn effect(entry: &Entry) -> &'static str {
    match entry.spec.effect {
        Effect::Reads => "reads",
        Effect::Adds => "adds",
        Effect::Changes => "changes",
        Effect::Removes => "removes",
        Effect::Sends => "sends",
    }
}
