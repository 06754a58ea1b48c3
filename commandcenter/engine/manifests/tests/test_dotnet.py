"""NuGet: projects, central versions, lock files, tools."""

from __future__ import annotations

import json
from collections.abc import Callable

from commandcenter.engine.manifests.inventory import Inventory

Rows = Callable[[dict[str, str]], list[str]]
Tree = Callable[[dict[str, str]], Inventory]

PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><Third>3.0.0</Third></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Central" />
    <PackageReference Include="Second" Version="2.0.0" PrivateAssets="all" />
    <PackageReference Include="Third"><Version>$(Third)</Version></PackageReference>
    <PackageReference Include="Floating" Version="1.*" />
    <ProjectReference Include="../near/near.csproj" />
  </ItemGroup>
</Project>
"""


def test_nuget_with_central_versions(rows: Rows) -> None:
    props = '<Project><ItemGroup><PackageVersion Include="central" Version="1.5.0" /></ItemGroup></Project>'
    assert rows({"src/shop/shop.csproj": PROJECT, "Directory.Packages.props": props}) == [
        "src/shop/shop.csproj:4 pkg:nuget/Central@1.5.0 | 1.5.0 | runtime | direct",
        "src/shop/shop.csproj:5 pkg:nuget/Second@2.0.0 | 2.0.0 | development | direct",
        "src/shop/shop.csproj:6 pkg:nuget/Third@3.0.0 | $(Third) | runtime | direct",
        "src/shop/shop.csproj:7 pkg:nuget/Floating | 1.* | runtime | direct",
    ]


def test_a_nuget_lock_file_holds_one_row_for_all_frameworks(rows: Rows) -> None:
    entry = {
        "Central": {
            "type": "Direct",
            "requested": "[1.5.0, )",
            "resolved": "1.5.0",
            "dependencies": {"Leaf": "1"},
        },
        "Leaf": {"type": "Transitive", "resolved": "1.0.0"},
        "near": {"type": "Project"},
    }
    lock = json.dumps({"version": 1, "dependencies": {"net8.0": entry, "net9.0": entry}}, indent=2)
    assert rows({"src/packages.lock.json": lock, "src/shop.csproj": PROJECT}) == [
        "src/packages.lock.json:5 pkg:nuget/Central@1.5.0 | [1.5.0, ) | runtime | direct",
        "src/packages.lock.json:13 pkg:nuget/Leaf@1.0.0 | None | runtime | transitive",
    ]


def test_shared_files_reach_down_and_the_nearest_wins(rows: Rows) -> None:
    project = """<Project Sdk="Build.Sdk/1.2.3">
  <PropertyGroup Condition="'$(A)' == ''"><Twice>1.0.0</Twice></PropertyGroup>
  <PropertyGroup Condition="'$(A)' != ''"><Twice>2.0.0</Twice></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Central" />
    <PackageReference Include="Own" VersionOverride="9.9.9" />
    <PackageReference Include="Shared" Version="$(SharedVersion)" />
    <PackageReference Include="Twice" Version="$(Twice)" />
    <PackageReference Include="Lost" Version="$(Nowhere)" />
    <PackageReference Include="One;Two" Version="[3.0.0]" />
    <PackageReference Update="Central" PrivateAssets="all" />
  </ItemGroup>
</Project>
"""
    packages = """<Project>
  <PropertyGroup><CentralMajor>4</CentralMajor></PropertyGroup>
  <ItemGroup>
    <PackageVersion Include="Central" Version="$(CentralMajor).1.0" />
    <PackageVersion Include="Own" Version="1.0.0" />
    <PackageVersion Include="Unused" Version="1.0.0" />
    <GlobalPackageReference Include="Analyzers" Version="5.0.0" />
  </ItemGroup>
</Project>
"""
    outer = "<Project><PropertyGroup><SharedVersion>$(Base).1</SharedVersion><Base>1</Base></PropertyGroup></Project>"
    inner = """<Project>
  <Import Project="$([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '$(MSBuildThisFileDirectory)../'))" />
  <PropertyGroup><Base>2.0</Base></PropertyGroup>
</Project>
"""
    files = {
        "Directory.Packages.props": packages,
        "Directory.Build.props": outer,
        "src/Directory.Build.props": inner,
        "src/shop/shop.fsproj": project,
    }
    assert rows(files) == [
        "Directory.Packages.props:7 pkg:nuget/Analyzers@5.0.0 | 5.0.0 | development | direct",
        "src/shop/shop.fsproj:1 pkg:nuget/Build.Sdk@1.2.3 | 1.2.3 | build | direct",
        "src/shop/shop.fsproj:5 pkg:nuget/Central@4.1.0 | $(CentralMajor).1.0 | runtime | direct",
        "src/shop/shop.fsproj:6 pkg:nuget/Own@9.9.9 | 9.9.9 | runtime | direct",
        "src/shop/shop.fsproj:7 pkg:nuget/Shared@2.0.1 | $(SharedVersion) | runtime | direct",
        "src/shop/shop.fsproj:8 pkg:nuget/Twice | $(Twice) | runtime | direct",
        "src/shop/shop.fsproj:9 pkg:nuget/Lost | $(Nowhere) | runtime | direct",
        "src/shop/shop.fsproj:10 pkg:nuget/One@3.0.0 | [3.0.0] | runtime | direct",
        "src/shop/shop.fsproj:10 pkg:nuget/Two@3.0.0 | [3.0.0] | runtime | direct",
    ]


def test_a_nuget_lock_file_takes_scopes_from_the_project_that_it_governs(rows: Rows, tree: Tree) -> None:
    project = """<Project Sdk="Microsoft.NET.Sdk">
  <ItemGroup>
    <PackageReference Include="web" Version="1.5.0" />
    <PackageReference Include="Analyzer" Version="2.0.0" PrivateAssets="all" />
  </ItemGroup>
</Project>
"""
    entries = {
        "Analyzer": {
            "type": "Direct",
            "requested": "[2.0.0, )",
            "resolved": "2.0.0",
            "dependencies": {"Tool": "1"},
        },
        "Implicit": {"type": "Direct", "requested": "[7.0.0, )", "resolved": "7.0.0"},
        "Web": {
            "type": "Direct",
            "requested": "[1.5.0, )",
            "resolved": "1.5.1",
            "dependencies": {"Leaf": "1"},
        },
        "Leaf": {"type": "CentralTransitive", "requested": "[1.0.0, )", "resolved": "1.0.0"},
        "Tool": {"type": "Transitive", "resolved": "3.0.0"},
        "near": {"type": "Project", "dependencies": {"Far": "1"}},
        "Far": {"type": "Transitive", "resolved": "6.0.0"},
    }
    lock = json.dumps({"version": 2, "dependencies": {"net8.0": entries, "net8.0/linux-x64": {}}}, indent=2)
    files = {"src/packages.lock.json": lock, "src/shop.vbproj": project}
    assert [row.partition(" ")[2] for row in rows(files)] == [
        "pkg:nuget/Analyzer@2.0.0 | 2.0.0 | development | direct",
        "pkg:nuget/Implicit@7.0.0 | [7.0.0, ) | runtime | direct",
        "pkg:nuget/Web@1.5.1 | 1.5.0 | runtime | direct",
        "pkg:nuget/Leaf@1.0.0 | None | runtime | transitive",
        "pkg:nuget/Tool@3.0.0 | None | development | transitive",
        "pkg:nuget/Far@6.0.0 | None | runtime | transitive",
    ]
    lines = lock.splitlines()
    assert all(f'"{d.name}": {{' in lines[(d.line or 0) - 1] for d in tree(files).dependencies)


def test_tools_and_sdks_of_dotnet(rows: Rows) -> None:
    tools = '{\n  "version": 1,\n  "tools": {\n    "dotnet-ef": {\n      "version": "8.0.1",\n      "commands": ["dotnet-ef"]\n    }\n  }\n}\n'
    sdks = '{\n  // pinned\n  "sdk": {"version": "8.0.100"},\n  "msbuild-sdks": {\n    "Build.Traversal": "4.1.0"\n  }\n}\n'
    assert rows({".config/dotnet-tools.json": tools, "global.json": sdks}) == [
        ".config/dotnet-tools.json:4 pkg:nuget/dotnet-ef@8.0.1 | 8.0.1 | development | direct",
        "global.json:5 pkg:nuget/Build.Traversal@4.1.0 | 4.1.0 | build | direct",
    ]
    assert rows({"global.json": '{"sdk": {"version": "8.0.100"}}'}) == []


def test_a_package_in_two_spellings_is_one_package(rows: Rows) -> None:
    """NuGet does not tell upper from lower case; what is shown is the spelling that stands in most places."""
    project = """<Project>
  <ItemGroup Condition="'$(A)' == ''"><PackageReference Include="quill.pen" Version="1.0.0" /></ItemGroup>
  <ItemGroup Condition="'$(A)' != ''"><PackageReference Include="Quill.Pen" Version="1.0.0" /></ItemGroup>
</Project>
"""
    one = {"quill.PEN": {"type": "Transitive", "resolved": "1.0.0"}}
    two = {"Quill.Pen": {"type": "Transitive", "resolved": "1.0.0"}}
    lock = json.dumps({"version": 1, "dependencies": {"net8.0": one, "net9.0": two}}, indent=2)
    other = (
        '<Project><ItemGroup><PackageReference Include="Quill.Pen" Version="2.0.0" /></ItemGroup></Project>'
    )
    assert rows({"a/a.csproj": project, "b/packages.lock.json": lock, "c/c.csproj": other}) == [
        "a/a.csproj:2 pkg:nuget/Quill.Pen@1.0.0 | 1.0.0 | runtime | direct",
        "b/packages.lock.json:5 pkg:nuget/Quill.Pen@1.0.0 | None | runtime | transitive",
        "c/c.csproj:1 pkg:nuget/Quill.Pen@2.0.0 | 2.0.0 | runtime | direct",
    ]
