//! `bureau tools`: the tools that the configuration offers, and what each costs.

use std::iter::Sum;
use std::sync::Arc;

use bureau_kernel::option::{self, Audience};
use bureau_kernel::tool::{Effect, Entry};
use clap::Args;
use serde_json::json;

use super::{Result, print, usage};
use crate::boot;
use crate::config::Config;
use crate::tokens::Counter;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A group with what it costs when it is on.
struct Group {
    name: &'static str,
    about: &'static str,
    tools: usize,
    offered: usize,
    tokens: Tokens,
}

/// What something costs: as a model sees it, and over the wire.
#[derive(Clone, Copy)]
struct Tokens {
    visible: usize,
    wire: usize,
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let nothing = Self {
            visible: 0,
            wire: 0,
        };
        all.fold(nothing, |sum, one| Self {
            visible: sum.visible + one.visible,
            wire: sum.wire + one.wire,
        })
    }
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let registry = boot::registry(config).map_err(usage)?;
    let counter = Counter::new()?;
    let is_offered = |entry: &Entry| {
        registry.is_enabled(entry) && (entry.spec.effect.reads_only() || !config.read_only)
    };
    let audience = Audience {
        confirm: config.confirm,
        has_others: false,
        attributes: Arc::default(),
    };
    let all: Vec<(&Entry, Tokens)> = registry
        .entries()
        .map(|entry| {
            let listed = option::listed(entry, &audience);
            let tokens = Tokens {
                visible: counter.visible(&listed),
                wire: counter.wire(&listed, config.output_schemas),
            };
            (entry, tokens)
        })
        .collect();
    let offered: Vec<&(&Entry, Tokens)> =
        all.iter().filter(|(entry, _)| is_offered(entry)).collect();
    let total: Tokens = offered.iter().map(|(_, tokens)| *tokens).sum();
    let groups: Vec<Group> = registry
        .modules()
        .iter()
        .map(|module| {
            let own = || all.iter().filter(|(entry, _)| entry.module == module.name);
            Group {
                name: module.name,
                about: module.about,
                tools: own().count(),
                offered: own().filter(|(entry, _)| is_offered(entry)).count(),
                tokens: own().map(|(_, tokens)| *tokens).sum(),
            }
        })
        .collect();

    if arguments.json {
        return print::json(&json!({
            "tools": offered.iter().map(|(entry, tokens)| json!({
                "name": entry.spec.name,
                "group": entry.module,
                "effect": effect(entry),
                "permission": entry.spec.permission.name(),
                "description": entry.spec.about,
                "tokens": tokens.visible,
                "wire_tokens": tokens.wire,
            })).collect::<Vec<_>>(),
            "groups": groups.iter().map(|group| json!({
                "name": group.name,
                "about": group.about,
                "tools": group.tools,
                "offered": group.offered,
                "tokens": group.tokens.visible,
                "wire_tokens": group.tokens.wire,
            })).collect::<Vec<_>>(),
            "tokens": total.visible,
            "wire_tokens": total.wire,
        }));
    }
    let rows: Vec<[String; 7]> = offered
        .iter()
        .map(|(entry, tokens)| {
            [
                entry.spec.name.to_owned(),
                entry.module.to_owned(),
                effect(entry).to_owned(),
                entry.spec.permission.name().to_owned(),
                tokens.visible.to_string(),
                tokens.wire.to_string(),
                entry.spec.about.to_owned(),
            ]
        })
        .collect();
    let mut text = print::table(
        [
            "tool",
            "group",
            "effect",
            "permission",
            "tokens",
            "wire",
            "description",
        ],
        &rows,
    );
    let rows: Vec<[String; 5]> = groups
        .iter()
        .map(|group| {
            let on = format!("{} of {}", group.offered, group.tools);
            [
                group.name.to_owned(),
                on,
                group.tokens.visible.to_string(),
                group.tokens.wire.to_string(),
                group.about.to_owned(),
            ]
        })
        .collect();
    text.push('\n');
    text.push_str(&print::table(
        ["group", "tools on", "tokens", "wire", "what it is for"],
        &rows,
    ));
    text.push_str(&format!(
        "\n{} tools are offered. A model sees {} tokens of them (o200k) in every conversation; their list has {} on the wire.\n",
        offered.len(),
        total.visible,
        total.wire,
    ));
    print::out(&text)
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
