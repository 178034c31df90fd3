//! What holds: the settings with their origins, and the policies, which can be tried before they
//! are set.

use askama::Template;
use shelf_domain::{BasisPoints, Policy, Scope};

use super::fmt;
use super::scene::{Part, Preview, Scene, Wrong};
use crate::access::Role;

/// A policy as people read it.
struct PolicyRow {
    id: String,
    scope: String,
    active: bool,
    notes: String,
    by: String,
    values: Vec<(&'static str, String)>,
    link: String,
}

/// The values of a form for a policy; empty where nothing is set.
#[derive(Default)]
struct Form {
    id: String,
    scope: String,
    refill_below: String,
    target: String,
    min_units: String,
    reorder_point: String,
    cover_days: String,
    near_expiry: String,
    cooldown: String,
    notes: String,
    inactive: bool,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings<'a> {
    policies: Vec<PolicyRow>,
    store: String,
    several: bool,
    stores: Vec<(String, String)>,
    form: Form,
    preview: Option<&'a Preview>,
    settings: Vec<(String, String, String)>,
    known: bool,
    users: Option<&'a [(String, String, String)]>,
    acts: bool,
    audit: String,
}

fn part(value: Option<BasisPoints>) -> String {
    value.map_or_else(String::new, |part| format!("{}", f64::from(part.0) / 100.0))
}

fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The scope as it stands in a form: `global`, `category FISH`, `shelf FISALM0001`.
fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::Global => "global".to_owned(),
        Scope::Category(category) => format!("category {category}"),
        Scope::Subcategory(Some(category), sub) => format!("subcategory {category} / {sub}"),
        Scope::Subcategory(None, sub) => format!("subcategory {sub}"),
        Scope::Shelf(sku) => format!("shelf {sku}"),
    }
}

fn form_of(policy: &Policy) -> Form {
    Form {
        id: policy.policy.to_string(),
        scope: scope_text(&policy.scope),
        refill_below: part(policy.refill_below),
        target: part(policy.target),
        min_units: number(policy.min_units),
        reorder_point: number(policy.reorder_point_units),
        cover_days: number(policy.cover_days),
        near_expiry: number(policy.near_expiry_floor_days),
        cooldown: number(policy.cooldown_minutes),
        notes: policy.notes.as_str().to_owned(),
        inactive: !policy.active,
    }
}

fn row(scene: &Scene<'_>, policy: &Policy) -> PolicyRow {
    let form = form_of(policy);
    let all = [
        ("refill below %", form.refill_below),
        ("refill up to %", form.target),
        ("least units", form.min_units),
        ("order below", form.reorder_point),
        ("cover days", form.cover_days),
        ("near expiry days", form.near_expiry),
        ("cooldown min", form.cooldown),
    ];
    PolicyRow {
        link: format!("/settings{}#policy", scene.query.with("policy", &form.id)),
        scope: fmt::sentence(&form.scope),
        active: policy.active,
        notes: form.notes,
        by: policy.actor.to_string(),
        values: all.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        id: form.id,
    }
}

/// The parts of the page.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let store = scene.stores().first().copied();
    let asked = scene.query.get("policy");
    let policies = store.map(shelf_domain::Store::policies).unwrap_or_default();
    let chosen = policies.iter().find(|policy| asked == Some(policy.policy.as_str()));
    let mut form = chosen.map_or_else(Form::default, form_of);
    // What was tried stands in the form again.
    if scene.query.get("id").is_some() {
        form = tried(scene);
    }
    let page = Settings {
        policies: policies.iter().map(|policy| row(scene, policy)).collect(),
        store: store.map_or_else(String::new, |store| store.id().to_string()),
        several: scene.chain.stores().len() > 1,
        stores: scene
            .chain
            .stores()
            .iter()
            .map(|one| (one.id().to_string(), shelf_views::heading(&[one]).0))
            .collect(),
        form,
        preview: scene.extra.preview.as_ref(),
        known: scene.extra.settings.is_some(),
        users: scene.extra.users.as_deref(),
        settings: scene.extra.settings.as_ref().map(settings).unwrap_or_default(),
        acts: scene.may(Role::Planner),
        audit: scene.link("/audit"),
    };
    Ok(vec![Part::still("settings", &page)?])
}

fn tried(scene: &Scene<'_>) -> Form {
    let text = |name: &str| scene.query.get(name).unwrap_or_default().to_owned();
    Form {
        id: text("id"),
        scope: text("scope"),
        refill_below: text("refill_below"),
        target: text("target"),
        min_units: text("min_units"),
        reorder_point: text("reorder_point"),
        cover_days: text("cover_days"),
        near_expiry: text("near_expiry"),
        cooldown: text("cooldown"),
        notes: text("notes"),
        inactive: scene.query.get("inactive").is_some(),
    }
}

/// The settings as rows of name, value, origin: whatever has a `value` and an `origin` is one.
fn settings(value: &serde_json::Value) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    collect(value, String::new(), &mut rows);
    rows
}

fn collect(value: &serde_json::Value, name: String, rows: &mut Vec<(String, String, String)>) {
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        serde_json::Value::Object(fields) => {
            if let (Some(value), Some(origin)) = (fields.get("value"), fields.get("origin")) {
                let named = fields.get("name").or(fields.get("key")).map(text);
                rows.push((named.unwrap_or(name), text(value), text(origin)));
                return;
            }
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                collect(value, name, rows);
            }
        }
        serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_object) => {
            for item in items {
                collect(item, name.clone(), rows);
            }
        }
        other => rows.push((name, text(other), String::new())),
    }
}
