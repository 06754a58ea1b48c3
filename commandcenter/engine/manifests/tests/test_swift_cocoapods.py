"""Package.swift and Package.resolved, Podfile and Podfile.lock."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Rows = Callable[[dict[str, str]], list[str]]

PACKAGE = """// swift-tools-version:5.9
import PackageDescription
let package = Package(
    name: "Shop",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.60.0"),
        .package(url: "git@github.com:vapor/vapor.git", .upToNextMinor(from: "4.1.0")), // .package(url: "https://x.org/no", from: "1.0.0")
        .package(name: "Near", path: "../near"),
        /* .package(url: "https://github.com/old/gone", from: "1.0.0"), /* nested */ */
        .package(
            url: "https://github.com/apple/swift-log",
            exact: "1.5.3"
        ),
        .package(url: "https://git.example.org/team/kit.git", branch: "main"),
        .package(url: "https://github.com/a/between", "1.0.0"..<"2.0.0"),
        .package(url: "https://github.com/a/rev", revision: "aa11"),
        .package(id: "mona.LinkedList", from: "1.1.0"),
        .Package(url: "https://github.com/a/old.git", majorVersion: 1, minor: 2),
    ],
    targets: [.target(name: "Shop", dependencies: [.product(name: "NIO", package: "swift-nio")])]
)
"""


def test_a_swift_manifest_names_what_it_asks_for(rows: Rows) -> None:
    assert rows({"Package.swift": PACKAGE}) == [
        "Package.swift:6 pkg:swift/github.com/apple/swift-nio | from: 2.60.0 | runtime | direct",
        "Package.swift:7 pkg:swift/github.com/vapor/vapor | upToNextMinor: 4.1.0 | runtime | direct",
        "Package.swift:10 pkg:swift/github.com/apple/swift-log@1.5.3 | exact: 1.5.3 | runtime | direct",
        "Package.swift:14 pkg:swift/git.example.org/team/kit | branch: main | runtime | direct",
        "Package.swift:15 pkg:swift/github.com/a/between | 1.0.0..<2.0.0 | runtime | direct",
        "Package.swift:16 pkg:swift/github.com/a/rev@aa11 | revision: aa11 | runtime | direct",
        "Package.swift:17 pkg:swift/mona/LinkedList | from: 1.1.0 | runtime | direct",
        "Package.swift:18 pkg:swift/github.com/a/old | majorVersion: 1, minor: 2 | runtime | direct",
    ]


def pin(
    identity: str, location: str, kind: str = "remoteSourceControl", **state: object
) -> dict[str, object]:
    return {"identity": identity, "kind": kind, "location": location, "state": state}


@pytest.mark.parametrize("version", [2, 3])
def test_resolved_packages_are_joined_with_their_manifest(rows: Rows, version: int) -> None:
    pins = [
        pin("swift-nio", "https://github.com/Apple/swift-nio", revision="b" * 40, version="2.62.0"),
        pin("kit", "https://git.example.org/team/kit.git", branch="main", revision="c" * 40),
        pin(
            "swift-atomics", "https://github.com/apple/swift-atomics.git", revision="d" * 40, version="1.2.0"
        ),
        pin("mona.LinkedList", "", "registry", version="1.1.2"),
        pin("here", "/Users/me/here", "localSourceControl", revision="e" * 40),
    ]
    files = {
        "Package.swift": PACKAGE,
        "Package.resolved": json.dumps({"pins": pins, "version": version}, indent=2),
    }
    assert rows(files) == [
        "Package.resolved:4 pkg:swift/github.com/Apple/swift-nio@2.62.0 | from: 2.60.0 | runtime | direct",
        f"Package.resolved:13 pkg:swift/git.example.org/team/kit@{'c' * 40} | branch: main | runtime | direct",
        "Package.resolved:22 pkg:swift/github.com/apple/swift-atomics@1.2.0 | None | runtime | transitive",
        "Package.resolved:31 pkg:swift/mona/LinkedList@1.1.2 | from: 1.1.0 | runtime | direct",
    ]


def test_the_first_version_of_resolved_packages_in_a_project_of_xcode(rows: Rows) -> None:
    pins = [
        {
            "package": "Alamofire",
            "repositoryURL": "https://github.com/Alamofire/Alamofire.git",
            "state": {"branch": None, "revision": "a" * 40, "version": "5.4.3"},
        }
    ]
    path = "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved"
    assert rows({path: json.dumps({"object": {"pins": pins}, "version": 1}, indent=2)}) == [
        f"{path}:5 pkg:swift/github.com/Alamofire/Alamofire@5.4.3 | None | runtime | unknown"
    ]


def test_a_manifest_that_computes_addresses_does_not_say_what_is_transitive(rows: Rows) -> None:
    text = 'let p = Package(dependencies: [.package(url: base + "/x", from: "1.0.0"), .package(url: kit, from: "1.0.0")])'
    pins = [pin("nio", "https://github.com/apple/nio", version="1.0.0")]
    assert rows(
        {"Package.swift": text, "Package.resolved": json.dumps({"pins": pins, "version": 2}, indent=2)}
    ) == ["Package.resolved:4 pkg:swift/github.com/apple/nio@1.0.0 | None | runtime | unknown"]


PODFILE = """platform :ios, '15.0'
target 'App' do
  pod 'AFNetworking', '~> 4.0'
  pod 'Firebase/Core', '10.1.0'
  pod 'Near', :path => '../near'
  pod 'Forked', git: 'https://example.org/forked.git', tag: '2.0'
  # pod 'Gone'
end
"""
POD_LOCK = """PODS:
  - AFNetworking (4.0.1):
    - AFNetworking/Security (= 4.0.1)
  - AFNetworking/Security (4.0.1)
  - Firebase/Core (10.1.0):
    - FirebaseAnalytics (~> 10.1)
  - FirebaseAnalytics (10.1.2)
  - Forked (2.0)
  - Near (0.1)

DEPENDENCIES:
  - AFNetworking (~> 4.0)
  - Firebase/Core (= 10.1.0)
  - Forked (from `https://example.org/forked.git`, tag `2.0`)
  - Near (from `../near`)

EXTERNAL SOURCES:
  Forked:
    :git: https://example.org/forked.git
    :tag: '2.0'
  Near:
    :path: "../near"

COCOAPODS: 1.15.2
"""


def test_pods(rows: Rows) -> None:
    assert rows({"Podfile": PODFILE}) == [
        "Podfile:3 pkg:cocoapods/AFNetworking | ~> 4.0 | runtime | direct",
        "Podfile:4 pkg:cocoapods/Firebase@10.1.0 | 10.1.0 | runtime | direct",
        "Podfile:6 pkg:cocoapods/Forked@2.0 | 2.0 | runtime | direct",
    ]
    assert rows({"ios/Podfile": PODFILE, "ios/Podfile.lock": POD_LOCK}) == [
        "ios/Podfile.lock:2 pkg:cocoapods/AFNetworking@4.0.1 | ~> 4.0 | runtime | direct",
        "ios/Podfile.lock:5 pkg:cocoapods/Firebase@10.1.0 | = 10.1.0 | runtime | direct",
        "ios/Podfile.lock:7 pkg:cocoapods/FirebaseAnalytics@10.1.2 | None | runtime | transitive",
        "ios/Podfile.lock:8 pkg:cocoapods/Forked@2.0 | None | runtime | direct",
    ]
