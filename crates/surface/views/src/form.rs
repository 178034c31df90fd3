//! How values stand in JSON: ids and choices as stable texts, times as RFC 3339.

use serde::{Serialize, Serializer};
use shelf_domain::{
    AlertId, AlertStatus, AlertVerb, Day, Measure, OrderId, OrderStatus, Place, Rule, Severity,
    StockStatus, TaskId, TaskStatus, Timestamp, WindowScope, WindowStage,
};

use crate::wording;

/// A value that stands in JSON as a text.
pub(crate) trait Form {
    fn form(&self) -> String;
}

macro_rules! forms {
    ($($name:ty => $form:expr;)*) => {$(
        impl Form for $name {
            fn form(&self) -> String {
                let form: fn($name) -> String = $form;
                form(*self)
            }
        }
    )*};
}

forms! {
    AlertId => |id| id.to_string();
    TaskId => |id| id.to_string();
    OrderId => |id| id.to_string();
    Rule => |rule| rule.code().to_owned();
    Severity => |severity| severity.code().to_owned();
    AlertStatus => |status| status.code().to_owned();
    AlertVerb => |verb| verb.code().to_owned();
    TaskStatus => |status| status.code().to_owned();
    OrderStatus => |status| status.code().to_owned();
    Place => |place| wording::place(place).to_owned();
    Timestamp => wording::rfc3339;
    Day => wording::date;
    Measure => |measure| wording::measure(measure).to_owned();
    WindowScope => |scope| wording::window_scope(scope).to_owned();
    WindowStage => |stage| stage.code().to_owned();
    StockStatus => |status| status.code().to_owned();
}

pub(crate) fn text<T: Form, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.form())
}

// `serialize_with` hands over the field as it is.
#[allow(clippy::ref_option)]
pub(crate) fn maybe<T: Form, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Form::form).serialize(to)
}

pub(crate) fn list<T: Form, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(values.iter().map(Form::form))
}
