//! The words of `shelf bridge`.

use clap::Args as ClapArgs;

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct BridgeArgs {
    /// Where entries come from, as redis://host:port/database; the password is the setting
    /// redis.password.
    #[arg(value_name = "REDIS")]
    pub(crate) redis: String,
    /// Where they go, as kafka://host:port,host:port/prefix; user, password and TLS are settings.
    #[arg(value_name = "KAFKA")]
    pub(crate) kafka: String,
    /// A stream that is read; several may be named [default: the setting redis.streams].
    #[arg(long = "stream", value_name = "NAME")]
    pub(crate) streams: Vec<String>,
    /// The consumer group.
    #[arg(long, value_name = "NAME", default_value = "shelf-bridge")]
    pub(crate) group: String,
    /// This process within the group: each needs a name of its own, and keeps it
    /// [default: the setting redis.consumer].
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<String>,
    /// The store of entries that name none [default: the setting redis.store].
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) for_seconds: Option<u64>,
}
