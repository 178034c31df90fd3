//! What a shop is: ids, quantities, events and the state machine of a store. Pure; never does I/O.
