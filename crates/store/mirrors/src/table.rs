//! The tables that are served: their columns as this program knows them, and the statements that
//! bring rows into them.

use crate::lines::Waiting;

/// How rows of a table come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each row is added, and never changes.
    Added,
    /// The rows under the first so many columns of the key stand for those that were there.
    Standing(usize),
}

/// A table that is served.
#[derive(Debug)]
pub(crate) struct Table {
    /// With its schema.
    pub(crate) name: &'static str,
    /// Names and types, as the catalogue of PostgreSQL calls them.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// The number of columns of its key, which come first.
    pub(crate) key: usize,
    pub(crate) way: Way,
}

impl Table {
    pub(crate) fn schema(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    pub(crate) fn own_name(&self) -> &'static str {
        self.name.split('.').nth(1).unwrap_or_default()
    }

    /// An empty set of rows.
    pub(crate) fn waiting(&self) -> Waiting {
        match self.way {
            Way::Added => Waiting::added(),
            Way::Standing(group) => Waiting::standing(group),
        }
    }

    fn key_columns(&self) -> &'static [(&'static str, &'static str)] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }

    fn other_columns(&self) -> &'static [(&'static str, &'static str)] {
        self.columns.get(self.key..).unwrap_or_default()
    }

    /// The name of the table that rows are copied into first.
    pub(crate) fn stage(&self) -> String {
        format!("stage_{}", self.own_name())
    }

    fn keys_stage(&self) -> String {
        format!("stage_{}_keys", self.own_name())
    }

    /// Makes the tables that rows are copied into first, which live as long as the session.
    pub(crate) fn make_stage(&self) -> String {
        let (stage, name, all) = (self.stage(), self.name, names(self.columns, ""));
        let rows = format!(
            "CREATE TEMP TABLE {stage} ON COMMIT DELETE ROWS AS SELECT {all} FROM {name} \
             WITH NO DATA;\n"
        );
        let Some(group) = self.group_columns() else { return rows };
        let (stage, group) = (self.keys_stage(), names(group, ""));
        rows + &format!(
            "CREATE TEMP TABLE {stage} ON COMMIT DELETE ROWS AS SELECT {group} FROM {name} \
             WITH NO DATA;\n"
        )
    }

    /// The columns under which rows stand together, where that is not one row each.
    fn group_columns(&self) -> Option<&'static [(&'static str, &'static str)]> {
        match self.way {
            Way::Standing(group) if group < self.key => self.columns.get(..group),
            _ => None,
        }
    }

    pub(crate) fn copy(&self) -> String {
        format!("COPY {} ({}) FROM STDIN", self.stage(), names(self.columns, ""))
    }

    /// Copies the keys of groups, where rows stand in groups.
    pub(crate) fn copy_keys(&self) -> Option<String> {
        let group = self.group_columns()?;
        Some(format!("COPY {} ({}) FROM STDIN", self.keys_stage(), names(group, "")))
    }

    /// Removes the rows of groups that do not stand any more.
    pub(crate) fn remove(&self) -> Option<String> {
        let group = self.group_columns()?;
        let same = |columns: &[(&str, &str)], with: &str| {
            let pairs: Vec<String> = columns
                .iter()
                .map(|(name, _)| format!("t.\"{name}\" = {with}.\"{name}\""))
                .collect();
            pairs.join(" AND ")
        };
        Some(format!(
            "DELETE FROM {} t USING {} g WHERE {} AND NOT EXISTS (SELECT 1 FROM {} s WHERE {})",
            self.name,
            self.keys_stage(),
            same(group, "g"),
            self.stage(),
            same(self.key_columns(), "s"),
        ))
    }

    /// Says of rows of a store ($1) that stand and that no copied row is of that they have ended,
    /// seen at a moment ($2); where rows of this table can end.
    pub(crate) fn end_others(&self) -> Option<String> {
        let (key, standing) = match self.name {
            "ops.alerts" => ("alert_id", "'open', 'acknowledged', 'snoozed'"),
            "ops.shelf_restock_plan" => ("plan_id", "'pending', 'issued', 'in_transit'"),
            "ops.wh_supplier_plan" => ("supplier_plan_id", "'draft', 'approved', 'sent'"),
            _ => return None,
        };
        Some(format!(
            "UPDATE {} t SET status = 'ended', updated_at = $2 WHERE t.store_id = $1 \
             AND t.status IN ({standing}) AND NOT EXISTS (SELECT 1 FROM {} s \
             WHERE s.store_id = t.store_id AND s.{key} = t.{key})",
            self.name,
            self.stage(),
        ))
    }

    /// Takes the copied rows in: those that are there already, and are the same, stay untouched.
    pub(crate) fn insert(&self) -> String {
        let (all, keys) = (names(self.columns, ""), names(self.key_columns(), ""));
        let (name, stage) = (self.name, self.stage());
        let others = self.other_columns();
        let conflict = if self.way == Way::Added || others.is_empty() {
            "NOTHING".to_owned()
        } else {
            let sets: Vec<String> = others
                .iter()
                .map(|(name, _)| format!("\"{name}\" = EXCLUDED.\"{name}\""))
                .collect();
            format!(
                "UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})",
                sets.join(", "),
                names(others, "t."),
                names(others, "EXCLUDED.")
            )
        };
        format!(
            "INSERT INTO {name} AS t ({all}) SELECT {all} FROM {stage} ON CONFLICT ({keys}) DO \
             {conflict}"
        )
    }
}

/// Columns by name, each with `before` in front.
fn names(columns: &[(&str, &str)], before: &str) -> String {
    let names: Vec<String> =
        columns.iter().map(|(name, _)| format!("{before}\"{name}\"")).collect();
    names.join(", ")
}

macro_rules! tables {
    ($($constant:ident = $name:literal, $way:expr, key [$($key:ident $key_type:ident),*]
        $(, $column:ident $type:ident)*;)*) => {
        $(const $constant: Table = Table {
            name: $name,
            columns: &[
                $((stringify!($key), stringify!($key_type)),)*
                $((stringify!($column), stringify!($type)),)*
            ],
            key: [$(stringify!($key)),*].len(),
            way: $way,
        };)*

        /// A table, by its place in [`TABLES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::upper_case_acronyms, non_camel_case_types, reason = "named as the tables")]
        pub(crate) enum Name { $($constant),* }

        /// All tables, in an order in which their rows may come in.
        pub(crate) const TABLES: &[Table] = &[$($constant),*];
    };
}

tables! {
    STORES = "ref.stores", Way::Standing(1), key [store_id text],
        name text, time_zone text, refill_confirmed bool, orders_automatic bool;
    PRODUCTS = "ref.products", Way::Standing(2), key [store_id text, shelf_id text],
        name text, brand text, item_category text, item_subcategory text, item_price numeric,
        cost numeric, item_weight int8, standard_batch_size int8, shelf_life_days int8,
        supplier_id text, maximum_stock int8, warehouse_maximum_stock int8, sensor text;
    SUPPLIERS = "ref.suppliers", Way::Standing(1), key [store_id text, supplier_id text],
        name text, lead_minutes int8, minimum_order numeric;
    POLICIES = "ref.policies", Way::Standing(1), key [store_id text, policy_id text],
        shelf_id text, item_category text, item_subcategory text, active bool, notes text,
        threshold_pct numeric, min_qty int8, target_pct numeric, hysteresis_pct numeric,
        reorder_point_qty int8, cover_days int8, near_expiry_floor_days int8,
        near_expiry_warehouse_days int8, cooldown_minutes int8;
    SHELF_STATE = "state.shelf_state", Way::Standing(2), key [store_id text, shelf_id text],
        category text, subcategory text, current_stock int8, cart_units int8,
        shelf_weight numeric, price numeric, last_update_ts timestamptz;
    WH_STATE = "state.wh_state", Way::Standing(2), key [store_id text, shelf_id text],
        category text, subcategory text, wh_current_stock int8, in_transit_units int8,
        last_update_ts timestamptz;
    SHELF_BATCH_STATE = "state.shelf_batch_state", Way::Standing(2),
        key [store_id text, shelf_id text, batch_code text],
        category text, subcategory text, received_date date, expiry_date date,
        batch_quantity_store int8, last_update_ts timestamptz;
    WH_BATCH_STATE = "state.wh_batch_state", Way::Standing(2),
        key [store_id text, shelf_id text, batch_code text],
        category text, subcategory text, received_date date, expiry_date date,
        batch_quantity_warehouse int8, batch_quantity_store int8, in_transit_units int8,
        reserved_units int8, last_update_ts timestamptz;
    SHELF_RESTOCK_PLAN = "ops.shelf_restock_plan", Way::Standing(2),
        key [store_id text, plan_id text],
        shelf_id text, suggested_qty int8, backorder_qty int8, status text,
        created_at timestamptz, updated_at timestamptz, due_at timestamptz;
    WH_SUPPLIER_PLAN = "ops.wh_supplier_plan", Way::Standing(2),
        key [store_id text, supplier_plan_id text, shelf_id text],
        supplier_id text, suggested_qty int8, received_qty int8, standard_batch_size int8,
        cost numeric, status text, cutoff_at timestamptz, delivery_at timestamptz,
        created_at timestamptz, updated_at timestamptz;
    ALERTS = "ops.alerts", Way::Standing(2), key [store_id text, alert_id text],
        event_type text, shelf_id text, location text, severity text, status text,
        current_stock int8, max_stock int8, threshold int8, suggested_qty int8, seen_count int8,
        owner text, actor text, note text, snoozed_until timestamptz, created_at timestamptz,
        last_seen_at timestamptz, updated_at timestamptz;
    ALERT_CHANGES = "ops.alert_changes", Way::Added,
        key [log_partition int4, log_offset int8, effect_no int4],
        store_id text, alert_id text, status text, severity text, current_stock int8, owner text,
        actor text, note text, changed_at timestamptz;
    POS_TRANSACTIONS = "ops.pos_transactions", Way::Added,
        key [log_partition int4, log_offset int8],
        store_id text, transaction_id text, customer_id text, timestamp timestamptz,
        total_items int8, total_amount numeric, payment_method text;
    POS_TRANSACTION_ITEMS = "ops.pos_transaction_items", Way::Added,
        key [log_partition int4, log_offset int8, line_no int4],
        store_id text, transaction_id text, shelf_id text, quantity int8, unit_price numeric,
        discount numeric, total_price numeric, batch_code text, expiry_date date;
    WH_EVENTS = "ops.wh_events", Way::Added,
        key [log_partition int4, log_offset int8, effect_no int4],
        event_id uuid, store_id text, event_type text, shelf_id text, batch_code text, qty int8,
        timestamp timestamptz, location text, plan_id text, reason text, received_date date,
        expiry_date date;
    DAILY_DISCOUNTS = "analytics.daily_discounts", Way::Standing(3),
        key [store_id text, shelf_id text, discount_date date],
        discount numeric, created_at timestamptz;
    KPIS = "analytics.kpis", Way::Standing(3), key [store_id text, day date, kpi text],
        unit text, value numeric;
    FEATURES_STORE = "analytics.features_store", Way::Standing(3),
        key [store_id text, feature_date date, shelf_id text],
        foot_traffic int8, sales_qty int8, returned_qty int8, received_qty int8,
        removed_qty int8, revenue numeric, stockout_events int8, stockout_minutes int8,
        open_minutes int8, shelf_capacity int8, warehouse_capacity int8,
        standard_batch_size int8, min_expiration_days int8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_say_what_a_table_needs() {
        let small = Table {
            name: "ops.things",
            columns: &[("store_id", "text"), ("thing", "text"), ("units", "int8")],
            key: 2,
            way: Way::Standing(1),
        };
        assert_eq!(
            small.insert(),
            "INSERT INTO ops.things AS t (\"store_id\", \"thing\", \"units\") SELECT \
             \"store_id\", \"thing\", \"units\" FROM stage_things ON CONFLICT (\"store_id\", \
             \"thing\") DO UPDATE SET \"units\" = EXCLUDED.\"units\" WHERE (t.\"units\") IS \
             DISTINCT FROM (EXCLUDED.\"units\")"
        );
        let remove = small.remove().unwrap();
        assert!(remove.contains("USING stage_things_keys g WHERE t.\"store_id\" = g.\"store_id\""));
        assert!(Table { way: Way::Standing(2), ..small }.remove().is_none());
    }

    #[test]
    fn the_key_of_a_table_comes_first_and_holds_its_groups() {
        for table in TABLES {
            let Way::Standing(group) = table.way else { continue };
            assert!(group <= table.key && table.key <= table.columns.len(), "{}", table.name);
        }
        assert_eq!(TABLES[Name::KPIS as usize].name, "analytics.kpis");
    }
}
