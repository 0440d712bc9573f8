//! The modules of the crate depend on each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The Rust files below a path, without folders and files of tests.
fn sources(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_file() {
        into.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("the folder can be read") {
        let entry = entry.expect("the entry can be read").path();
        if entry.file_stem().is_none_or(|stem| stem != "tests" && stem != "model") {
            sources(&entry, into);
        }
    }
}

/// For each top-level module the other ones that its code names, tests excluded.
fn dependencies() -> Graph {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(&src).expect("src can be read") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name != "lib" {
            modules.insert(name, path);
        }
    }
    let mut graph = Graph::new();
    for (name, path) in &modules {
        let mut files = Vec::new();
        sources(path, &mut files);
        let mut named = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(&file).expect("the file can be read");
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let other = |other: &&String| *other != name && code.contains(&format!("crate::{other}"));
            named.extend(modules.keys().filter(other).cloned());
        }
        graph.insert(name.clone(), named);
    }
    graph
}

/// Everything that a module depends on, directly or not.
fn reachable(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&String> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module.clone()) {
            next.extend(&graph[module]);
        }
    }
    seen
}

#[test]
fn no_module_depends_on_itself_through_others() {
    let graph = dependencies();
    for module in graph.keys() {
        assert!(!reachable(&graph, module).contains(module), "{module} is part of a cycle: {graph:#?}");
    }
}

#[test]
fn gateway_inbox_and_store_are_independent_of_each_other() {
    let graph = dependencies();
    assert!(graph["py"].contains("gateway") && graph["gateway"].contains("item"), "the graph is read");
    for module in ["gateway", "inbox", "store"] {
        for other in ["gateway", "inbox", "store", "py"] {
            assert!(
                module == other || !reachable(&graph, module).contains(other),
                "{module} depends on {other}"
            );
        }
    }
}
