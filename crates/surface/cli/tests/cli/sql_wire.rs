//! The Postgres wire: a client's library, psql, many clients, rude ones, and what is refused.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::{Client, NoTls, SimpleQueryMessage};

use crate::program::{Place, Ran, Serving, until, until_within};
use crate::shop::{open_shop, pickup};

/// A server of SQL, which ends with its value.
pub(crate) struct Server {
    _serving: Serving,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a command that serves, and waits until it says where.
    pub(crate) fn start(place: &Place, words: &str, settings: &[(&str, &str)]) -> Self {
        let serving = Serving::start(place, words, settings, |line| {
            line.strip_prefix("SQL at ")?.split(": ").next()
        });
        Self { address: serving.address, _serving: serving }
    }

    pub(crate) fn of(place: &Place) -> Self {
        Self::start(place, "sql serve --listen 127.0.0.1:0", &[])
    }

    fn config(&self) -> postgres::Config {
        let mut config = postgres::Config::new();
        config.host("127.0.0.1").port(self.address.port()).user("ada").dbname("shelf");
        config
    }

    pub(crate) fn client(&self) -> Client {
        self.config().connect(NoTls).unwrap()
    }

    /// Runs psql with one command.
    pub(crate) fn psql(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.psql_command(words), b"")
    }

    fn psql_command(&self, words: &[&str]) -> Command {
        let port = self.address.port().to_string();
        let mut command = Command::new("psql");
        command.args(["-X", "-h", "127.0.0.1", "-p", &port, "-U", "ada", "-d", "shelf"]);
        command.args(words).env("PGCONNECT_TIMEOUT", "10");
        command
    }
}

fn one(client: &mut Client, statement: &str) -> String {
    let messages = client.simple_query(statement).unwrap_or_else(|e| panic!("{statement}: {e:?}"));
    let mut rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("").to_owned()),
        _ => None,
    });
    rows.next().unwrap_or_else(|| panic!("{statement}: no row"))
}

fn refused(client: &mut Client, statement: &str) -> (SqlState, String) {
    let error = client.simple_query(statement).unwrap_err();
    let error = error.as_db_error().unwrap_or_else(|| panic!("{statement}: {error:?}"));
    assert!(error.hint().is_some(), "{statement}: {error:?}");
    (error.code().clone(), error.message().to_owned())
}

#[test]
fn a_client_reads_and_sees_the_present() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut client = server.client();
    let floor = "SELECT floor_units FROM live.shelves WHERE sku = 'APPLE'";
    assert_eq!(one(&mut client, floor), "20");
    place.feed("send", pickup(1, "APPLE", 2));
    assert_eq!(one(&mut client, floor), "18");
    // Prepared, with values of their own types.
    let rows = client
        .query(
            "SELECT sku, floor_units FROM live.shelves WHERE sku = $1 AND floor_units > $2",
            &[&"APPLE", &3_i64],
        )
        .unwrap();
    assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, i64>(1)), ("APPLE", 18));
    let then = client.query("SELECT sku FROM live.shelves AS OF '1990-01-01'", &[]).unwrap();
    assert!(then.is_empty());
    assert!(one(&mut client, "SELECT version()").starts_with("PostgreSQL 16"));
    let mut transaction = client.transaction().unwrap();
    assert_eq!(transaction.query("SELECT * FROM live.lots", &[]).unwrap().len(), 1);
    transaction.commit().unwrap();
}

#[test]
fn what_would_change_anything_is_refused() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut client = server.client();
    for statement in [
        "DROP TABLE live.shelves",
        "INSERT INTO live.shelves VALUES ('a')",
        "UPDATE live.shelves SET sku = 'a'",
        "DELETE FROM live.shelves",
        "CREATE TABLE a (b INT)",
        "CREATE TABLE a AS SELECT 1",
        "COPY live.shelves TO '/tmp/shelves'",
        "ALTER TABLE live.shelves DROP COLUMN sku",
        "SELECT 1; TRUNCATE live.shelves",
    ] {
        let (code, message) = refused(&mut client, statement);
        assert_eq!(code, SqlState::READ_ONLY_SQL_TRANSACTION, "{statement}: {message}");
        let prepared = client.prepare(statement).unwrap_err();
        assert!(prepared.code().is_some(), "{statement}: {prepared:?}");
    }
    for (statement, code) in [
        ("SELEC 1", SqlState::SYNTAX_ERROR),
        ("SELECT * FROM nothing", SqlState::UNDEFINED_TABLE),
        ("SELECT nothing FROM live.shelves", SqlState::UNDEFINED_COLUMN),
        ("SELECT nothing()", SqlState::UNDEFINED_FUNCTION),
        ("SET datafusion.runtime.memory_limit = '100G'", SqlState::UNDEFINED_OBJECT),
        ("SELECT * FROM live.lots AS OF 'then'", SqlState::INVALID_PARAMETER_VALUE),
    ] {
        assert_eq!(refused(&mut client, statement).0, code, "{statement}");
    }
    assert_eq!(one(&mut client, "SELECT count(*) FROM live.shelves"), "1");
}

#[test]
fn limits_hold_for_clients_too() {
    let place = open_shop();
    let limits = [("SHELF_SQL__MAX_ROWS", "1000"), ("SHELF_SQL__TIMEOUT_SECONDS", "2")];
    let server = Server::start(&place, "sql serve --listen 127.0.0.1:0", &limits);
    let mut client = server.client();
    let many = "SELECT * FROM generate_series(1, 1001)";
    assert_eq!(refused(&mut client, many).0, SqlState::PROGRAM_LIMIT_EXCEEDED);
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    let begun = Instant::now();
    assert_eq!(refused(&mut client, endless).0, SqlState::QUERY_CANCELED);
    client.simple_query("SET statement_timeout = '200ms'").unwrap();
    let own = Instant::now();
    assert_eq!(refused(&mut client, endless).0, SqlState::QUERY_CANCELED);
    assert!(own.elapsed() < Duration::from_secs(2), "{:?}", own.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(one(&mut client, "SELECT count(*) FROM live.shelves"), "1");
}

/// Statements that would take more memory than any machine has.
const GREEDY: [&str; 4] = [
    "SELECT count(*) OVER () FROM generate_series(1, 12500000000)",
    "SELECT range(0, 1000000000)",
    "SELECT repeat('x', 1000000000)",
    "SELECT array_agg(value) FROM generate_series(1, 12500000000)",
];
/// Statements that would go on for hours.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 10000000000000)";

#[test]
fn what_needs_too_much_memory_is_refused() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut client = server.client();
    for statement in GREEDY {
        assert_eq!(refused(&mut client, statement).0, SqlState::OUT_OF_MEMORY, "{statement}");
        let error = client.query(statement, &[]).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::OUT_OF_MEMORY), "{statement}: {error:?}");
        assert_eq!(one(&mut client, "SELECT count(*) FROM live.shelves"), "1");
    }
}

#[test]
fn a_client_cancels_its_own_statement() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut client = server.client();
    let token = client.cancel_token();
    let asked = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        token.cancel_query(NoTls).unwrap();
    });
    let begun = Instant::now();
    assert_eq!(refused(&mut client, ENDLESS).0, SqlState::QUERY_CANCELED);
    asked.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(one(&mut client, "SELECT 1"), "1");
}

#[test]
fn two_hundred_clients_are_served_and_rude_ones_do_no_harm() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut clients: Vec<Client> = (0..200).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(one(client, "SELECT floor_units FROM live.shelves"), "20");
    }
    // Some vanish in the middle of an answer, some never say what they want, some talk nonsense.
    clients.truncate(150);
    let long = "SELECT a.value FROM generate_series(1, 100000) a, generate_series(1, 9) b";
    for _ in 0..50 {
        let mut client = BareClient::of(&server);
        client.ask(long);
        client.read_until(b'D');
    }
    let silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
    }
    drop(silent);
    for client in &mut clients {
        assert_eq!(one(client, "SELECT floor_units FROM live.shelves"), "20");
    }
    // Nobody of them has kept a place: there are 250.
    let more = until("all places are free again", || {
        let more = (0..100).map(|_| server.config().connect(NoTls));
        more.collect::<Result<Vec<Client>, _>>().ok()
    });
    assert_eq!(clients.len() + more.len(), 250);
    assert!(server.config().connect(NoTls).is_err());
}

/// A client without a library, which can vanish at any moment without a word.
struct BareClient(TcpStream);

impl BareClient {
    /// Connects, and waits until it may ask.
    fn of(server: &Server) -> Self {
        let mut client = Self(TcpStream::connect(server.address).unwrap());
        let words = b"user\0ada\0database\0shelf\0\0";
        let mut hello = (8 + words.len() as u32).to_be_bytes().to_vec();
        hello.extend(196_608_u32.to_be_bytes());
        hello.extend(words);
        client.0.write_all(&hello).unwrap();
        client.read_until(b'Z');
        client
    }

    fn ask(&mut self, statement: &str) {
        let mut asked = vec![b'Q'];
        asked.extend((5 + statement.len() as u32).to_be_bytes());
        asked.extend(statement.as_bytes());
        asked.push(0);
        self.0.write_all(&asked).unwrap();
    }

    /// Reads messages until one of a kind.
    fn read_until(&mut self, kind: u8) {
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).unwrap();
            let [read, length @ ..] = head;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.0.read_exact(&mut body).unwrap();
            if read == kind {
                return;
            }
        }
    }
}

/// Its statement would keep the only place for the minute that a statement may take.
#[test]
fn a_client_that_vanishes_takes_its_statement_with_it() {
    let place = open_shop();
    let some_rows_first = format!("SELECT value FROM generate_series(1, 5000) UNION ALL {ENDLESS}");
    for (statements, awaited) in [
        (vec![ENDLESS], None),
        // In the middle of an answer.
        (vec![some_rows_first.as_str()], Some(b'D')),
        // With more that it has sent, which nobody has read.
        (vec![ENDLESS, ENDLESS, "SELECT 1"], None),
    ] {
        let settings = [("SHELF_SQL__CONNECTIONS", "1"), ("SHELF_SQL__TIMEOUT_SECONDS", "60")];
        let server = Server::start(&place, "sql serve --listen 127.0.0.1:0", &settings);
        let mut client = BareClient::of(&server);
        for statement in &statements {
            client.ask(statement);
        }
        if let Some(kind) = awaited {
            client.read_until(kind);
        }
        let error = server.config().connect(NoTls).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{error:?}");
        drop(client);
        let mut next = until_within(Duration::from_secs(5), "the statement of nobody ends", || {
            server.config().connect(NoTls).ok()
        });
        assert_eq!(one(&mut next, "SELECT count(*) FROM live.shelves"), "1", "{statements:?}");
    }
}

#[test]
fn one_client_too_many_is_told_so() {
    let place = open_shop();
    let settings = [("SHELF_SQL__CONNECTIONS", "2")];
    let server = Server::start(&place, "sql serve --listen 127.0.0.1:0", &settings);
    let _one = server.client();
    let two = server.client();
    let error = server.config().connect(NoTls).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{error:?}");
    drop(two);
    until("a place is free again", || server.config().connect(NoTls).ok());
}

#[test]
fn other_machines_need_a_password() {
    let place = open_shop();
    let ran = place.run("sql serve --listen 0.0.0.0:0");
    ran.failed(2, "sql_no_password");
    let settings = [("SHELF_SQL__PASSWORD", "open sesame")];
    let server = Server::start(&place, "sql serve --listen 0.0.0.0:0", &settings);
    let with = |password: &str| server.config().password(password).connect(NoTls);
    assert_eq!(one(&mut with("open sesame").unwrap(), "SELECT 1"), "1");
    let error = with("wrong").map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD), "{error:?}");
    assert!(server.config().connect(NoTls).is_err(), "no password at all");
}

/// A certificate for this machine, and its key, both named by this.
fn certificate(place: &Place, name: &str) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
    let made = command.current_dir(place.path("")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn traffic_can_be_encrypted() {
    let place = open_shop();
    certificate(&place, "own");
    certificate(&place, "other");
    let settings = [
        ("SHELF_SQL__TLS_CERTIFICATE", "own.pem"),
        ("SHELF_SQL__TLS_KEY", "own.key"),
        ("SHELF_SQL__PASSWORD", "open sesame"),
    ];
    let server = Server::start(&place, "sql serve --listen 127.0.0.1:0", &settings);
    let trusting = |name: &str| {
        let mut command = server.psql_command(&["-c", "\\conninfo", "-Atc", "SELECT 6 * 7"]);
        command.env("PGSSLMODE", "verify-full").env("PGPASSWORD", "open sesame");
        command.env("PGSSLROOTCERT", place.path(name));
        Ran::of(&mut command, b"")
    };
    let ran = trusting("own.pem");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("SSL connection") && ran.out.contains("42"), "{ran:?}");
    let ran = trusting("other.pem");
    assert!(ran.code != 0 && ran.err.contains("certificate verify failed"), "{ran:?}");
    // What is no certificate is told before anything is served.
    place.file("own.pem", "none");
    let mut command = place.command("sql serve --listen 127.0.0.1:0");
    Ran::of(command.envs(settings), b"").failed(2, "sql_server");
}

#[test]
fn a_taken_port_is_told() {
    let place = open_shop();
    let server = Server::of(&place);
    let words = format!("sql serve --listen {}", server.address);
    place.run(&words).failed(1, "sql_port_taken");
}

#[test]
fn a_running_chain_answers() {
    let place = open_shop();
    let server = Server::start(&place, "run --no-demo --plain --sql-listen 127.0.0.1:0", &[]);
    let mut client = server.client();
    let floor = "SELECT floor_units FROM live.shelves WHERE sku = 'APPLE'";
    assert_eq!(one(&mut client, floor), "20");
    assert_eq!(place.feed("send", pickup(1, "APPLE", 4)).code, 0);
    assert_eq!(one(&mut client, floor), "16");
}

/// A line that is sent is on disk when it is acknowledged, which takes some tens of milliseconds
/// with the start of the program that sends it. Each statement here holds a thread for up to 5 s:
/// an engine that waited for one would be over the 2 s that a busy machine is given.
#[test]
fn heavy_statements_never_delay_the_engine() {
    let place = open_shop();
    let server = Server::start(&place, "run --no-demo --plain --sql-listen 127.0.0.1:0", &[]);
    let (mut greedy, mut endless) = (server.client(), server.client());
    endless.simple_query("SET statement_timeout = '5s'").unwrap();
    let asking = [
        std::thread::spawn(move || {
            for statement in GREEDY {
                assert_eq!(refused(&mut greedy, statement).0, SqlState::OUT_OF_MEMORY);
            }
            greedy
        }),
        std::thread::spawn(move || {
            assert_eq!(refused(&mut endless, ENDLESS).0, SqlState::QUERY_CANCELED);
            endless
        }),
    ];
    let mut sent = 0;
    while sent < 3 || (sent < 18 && asking.iter().any(|asking| !asking.is_finished())) {
        sent += 1;
        let now = jiff::Timestamp::now().to_string();
        let line = pickup(0, "APPLE", 1).replace("2026-03-02T09:00:00Z", &now);
        let begun = Instant::now();
        let ran = place.feed("send", line);
        let took = begun.elapsed();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(took < Duration::from_secs(2), "line {sent} took {took:?}");
        // Spread over the time that the statements take.
        std::thread::sleep(Duration::from_millis(250));
    }
    let floor = "SELECT floor_units FROM live.shelves WHERE sku = 'APPLE'";
    for client in asking {
        let mut client = client.join().unwrap();
        // It answers again, and from what was sent; what is past its date is off the floor by now.
        let left: u32 = one(&mut client, floor).parse().unwrap();
        assert!(left <= 20 - sent, "{left} of 20 after {sent}");
    }
}

#[test]
fn psql_describes_what_is_there() {
    let place = open_shop();
    let server = Server::of(&place);
    for (words, wanted) in [
        ("\\dt live.*", &["shelves", "lots", "alerts", "live"][..]),
        ("\\dt+ live.*", &["The alerts that stand."]),
        ("\\d live.shelves", &["floor_units", "bigint", "price", "numeric"]),
        ("\\d+ live.shelves", &["floor_units", "Units on it."]),
        ("\\dn", &["live"]),
        ("\\l", &["shelf"]),
        ("\\d", &["shelves"]),
        ("\\du", &[]),
        ("\\df", &[]),
        ("\\dp live.*", &["shelves"]),
        ("\\dT", &[]),
        ("\\conninfo", &["shelf"]),
    ] {
        let ran = server.psql(&["-c", words]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words}: {ran:?}");
        for part in wanted {
            assert!(ran.out.contains(part), "{words}: no {part} in {}", ran.out);
        }
    }
    let csv = server.psql(&["--csv", "-c", "SELECT sku, price FROM live.shelves"]);
    assert_eq!(csv.out, "sku,price\nAPPLE,1.20\n");
    let refused = server.psql(&["-v", "VERBOSITY=verbose", "-c", "DROP TABLE live.shelves"]);
    assert!(refused.err.contains("25006") && refused.err.contains("HINT"), "{refused:?}");
}
