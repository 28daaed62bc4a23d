//! The scenario language: types, reading, diagnostics, schema; recorded block traces
