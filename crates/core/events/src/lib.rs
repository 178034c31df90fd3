//! The versioned encodings of events and effects: binary for the log, JSON at the edges.
