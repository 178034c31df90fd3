//! The keys of the star schema: a number that follows from the natural key alone, so that every
//! build of every chain gives the same. Numbers are joined and grouped far faster than texts.

use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, AsArray as _, Int64Array};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::error::Result;
use deltalake::datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use xxhash_rust::xxh3::xxh3_64;

/// The key of a natural key: its xxh3 hash of 64 bits without the highest, so that none is below 0.
/// Of a million keys two are the same once in twenty million builds; the tests of the schema would
/// tell.
fn key(natural: &str) -> i64 {
    (xxh3_64(natural.as_bytes()) & i64::MAX as u64) as i64
}

/// `natural_key(text)`, for the statements that build the schema.
pub(super) fn natural_key() -> ScalarUDF {
    ScalarUDF::from(NaturalKey { signature: Signature::string(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NaturalKey {
    signature: Signature,
}

impl ScalarUDFImpl for NaturalKey {
    fn name(&self) -> &'static str {
        "natural_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let keys = |texts: &ArrayRef| -> Result<ArrayRef> {
            let texts = cast(texts, &DataType::Utf8)?;
            let keys = texts.as_string::<i32>().iter().map(|text| text.map(key));
            Ok(Arc::new(keys.collect::<Int64Array>()))
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        match arrays.first() {
            Some(texts) => Ok(ColumnarValue::Array(keys(texts)?)),
            None => Ok(ColumnarValue::Array(Arc::new(Int64Array::new_null(args.number_rows)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_are_the_same_for_ever() {
        assert_eq!(key("S001"), 7_535_396_388_237_902_270);
        assert!(["", "unknown", "S001|BEVWAT0003|12"].into_iter().all(|text| key(text) >= 0));
    }
}
