//! A seeded town: customers, staff, suppliers, sensors and their faults. Pure.
