import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** Looks around and asks as programs on the JDBC driver of PostgreSQL do; prints name=value lines. */
public class JdbcClient {
    /** After so many executions the driver has the server keep a statement, and reads in binary. */
    private static final int UNTIL_BINARY = 8;

    public static void main(String[] arguments) throws SQLException {
        Properties asked = new Properties();
        asked.setProperty("user", "ada");
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/shelf";
        try (Connection connection = DriverManager.getConnection(url, asked)) {
            look(connection.getMetaData());
            ask(connection);
            inPieces(connection);
            refused(connection);
        }
    }

    private static void look(DatabaseMetaData meta) throws SQLException {
        tell("product", meta.getDatabaseProductName());
        tell("catalogs", all(meta.getCatalogs(), "TABLE_CAT"));
        tell("schemas", all(meta.getSchemas(), "TABLE_SCHEM"));
        tell("tables", all(meta.getTables(null, "live", "%", null), "TABLE_NAME"));
        tell("views", all(meta.getTables(null, "curated", "%", new String[] {"VIEW"}), "TABLE_NAME"));
        List<String> columns = new ArrayList<>();
        try (ResultSet rows = meta.getColumns(null, "live", "shelves", "%")) {
            while (rows.next()) {
                String of = rows.getString("COLUMN_NAME") + ":" + rows.getString("TYPE_NAME");
                columns.add(of + ":" + rows.getString("REMARKS"));
            }
        }
        tell("columns", columns);
        tell("keys", all(meta.getPrimaryKeys(null, "live", "shelves"), "COLUMN_NAME"));
        tell("imported", all(meta.getImportedKeys(null, "live", "shelves"), "PKCOLUMN_NAME"));
        tell("isolation", meta.getDefaultTransactionIsolation());
        tell("best", all(meta.getBestRowIdentifier(null, "live", "shelves", 0, true), "COLUMN_NAME"));
        tell("rights", all(meta.getTablePrivileges(null, "live", "shelves"), "TABLE_NAME").size() > 0);
        tell("of columns", all(meta.getColumnPrivileges(null, "live", "shelves", "sku"), "COLUMN_NAME").size() > 0);
        tell("functions", all(meta.getFunctions(null, "live", "%"), "FUNCTION_NAME"));
        tell("exported", all(meta.getExportedKeys(null, "live", "shelves"), "PKCOLUMN_NAME"));
        tell("indexes", all(meta.getIndexInfo(null, "live", "shelves", false, true), "INDEX_NAME"));
        tell("procedures", all(meta.getProcedures(null, "live", "%"), "PROCEDURE_NAME"));
        tell("own types", all(meta.getUDTs(null, "live", "%", null), "TYPE_NAME"));
        tell("types", all(meta.getTypeInfo(), "TYPE_NAME").contains("numeric"));
        tell("kinds", all(meta.getTableTypes(), "TABLE_TYPE").contains("TABLE"));
    }

    /** The same statement again and again: the values in binary are those of the texts. */
    private static void ask(Connection connection) throws SQLException {
        String text = "SELECT sku, price, floor_units, CAST(? AS TIMESTAMPTZ) AS at, "
                + "CAST('2026-03-02' AS DATE) AS day, floor_units > 1 AS some, "
                + "CAST(floor_units AS DOUBLE) / 8 AS part "
                + "FROM live.shelves WHERE sku = ? AND capacity_units > ?";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int time = 0; time < UNTIL_BINARY; time++) {
                statement.setObject(1, OffsetDateTime.parse("2026-03-02T12:00:00Z"));
                statement.setString(2, "APPLE");
                statement.setLong(3, 10);
                try (ResultSet rows = statement.executeQuery()) {
                    ResultSetMetaData meta = rows.getMetaData();
                    while (rows.next()) {
                        List<String> row = new ArrayList<>();
                        row.add(rows.getString("sku"));
                        row.add(rows.getBigDecimal("price").toPlainString());
                        row.add(Long.toString(rows.getLong("floor_units")));
                        row.add(rows.getObject("at", OffsetDateTime.class).toInstant().toString());
                        row.add(rows.getDate("day").toLocalDate().toString());
                        row.add(Boolean.toString(rows.getBoolean("some")));
                        row.add(Double.toString(rows.getDouble("part")));
                        tell("row" + time, row);
                    }
                    tell("type", meta.getColumnTypeName(2) + " " + meta.getColumnClassName(2));
                }
            }
        }
    }

    /** Rows that are fetched a few at a time. */
    private static void inPieces(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(7);
            try (ResultSet rows = statement.executeQuery("SELECT * FROM generate_series(1, 100)")) {
                long sum = 0;
                while (rows.next()) {
                    sum += rows.getLong(1);
                }
                tell("sum", sum);
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    private static void refused(Connection connection) throws SQLException {
        for (String text : List.of("DELETE FROM live.shelves", "SELECT nothing FROM live.shelves")) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(text);
                tell("refused", "not: " + text);
            } catch (SQLException error) {
                tell("refused", error.getSQLState());
            }
        }
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT count(*) FROM live.shelves")) {
            rows.next();
            tell("after", rows.getLong(1));
        }
    }

    private static List<String> all(ResultSet rows, String column) throws SQLException {
        List<String> found = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                found.add(rows.getString(column));
            }
        }
        return found;
    }

    private static void tell(String name, Object value) {
        System.out.println(name + "=" + value);
    }
}
