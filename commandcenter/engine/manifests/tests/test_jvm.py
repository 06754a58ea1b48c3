"""pom.xml, Gradle."""

from __future__ import annotations

from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]

PARENT = """<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.example</groupId>
  <artifactId>parent</artifactId>
  <version>7.0</version>
  <properties>
    <web.version>${web.major}.4</web.version>
    <web.major>3</web.major>
    <circle>${circle}</circle>
  </properties>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>org.managed</groupId><artifactId>lib</artifactId><version>1.1</version>
      </dependency>
      <dependency>
        <groupId>org.bom</groupId><artifactId>bom</artifactId><version>9</version>
        <type>pom</type><scope>import</scope>
      </dependency>
    </dependencies>
  </dependencyManagement>
</project>
"""
CHILD = """<project>
  <parent>
    <groupId>org.example</groupId><artifactId>parent</artifactId><version>7.0</version>
  </parent>
  <artifactId>child</artifactId>
  <dependencies>
    <dependency><groupId>org.web</groupId><artifactId>web</artifactId><version>${web.version}</version></dependency>
    <dependency><groupId>org.managed</groupId><artifactId>lib</artifactId></dependency>
    <dependency><groupId>org.test</groupId><artifactId>t</artifactId><version>[1.5]</version><scope>test</scope></dependency>
    <dependency><groupId>org.range</groupId><artifactId>r</artifactId><version>[1,2)</version><optional>true</optional></dependency>
    <dependency><groupId>org.bom</groupId><artifactId>unknown</artifactId></dependency>
    <dependency><groupId>org.loop</groupId><artifactId>l</artifactId><version>${circle}</version></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>org.example</groupId><artifactId>parent</artifactId><version>7.0</version></dependency>
  </dependencies>
  <build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><version>3.3.0</version></plugin></plugins></build>
</project>
"""


def test_maven_resolves_what_lies_in_the_tree_and_guesses_nothing(rows: Rows) -> None:
    assert rows({"pom.xml": PARENT, "child/pom.xml": CHILD}) == [
        "child/pom.xml:7 pkg:maven/org.web/web@3.4 | ${web.version} | runtime | direct",
        "child/pom.xml:8 pkg:maven/org.managed/lib@1.1 | 1.1 | runtime | direct",
        "child/pom.xml:9 pkg:maven/org.test/t@1.5 | [1.5] | development | direct",
        "child/pom.xml:10 pkg:maven/org.range/r | [1,2) | optional | direct",
        "child/pom.xml:11 pkg:maven/org.bom/unknown | None | runtime | direct",
        "child/pom.xml:12 pkg:maven/org.loop/l | ${circle} | runtime | direct",
        "child/pom.xml:13 pkg:maven/org.example/sibling@7.0 | ${project.version} | runtime | direct",
        "child/pom.xml:16 pkg:maven/org.apache.maven.plugins/maven-jar-plugin@3.3.0 | 3.3.0 | build | direct",
        "pom.xml:16 pkg:maven/org.bom/bom@9 | 9 | build | direct",
    ]


def test_a_parent_outside_of_the_tree_is_a_requirement_itself(rows: Rows) -> None:
    alone = "\n".join(
        line for line in CHILD.splitlines() if ">parent</artifactId><version>7.0</version></d" not in line
    )
    assert rows({"pom.xml": alone})[0] == "pom.xml:2 pkg:maven/org.example/parent@7.0 | 7.0 | build | direct"


def test_gradle_lock_file_governs_the_build_file_and_the_catalog_stands_alone(rows: Rows) -> None:
    lock = (
        "# This is a Gradle generated file for dependency locking.\n"
        "org.a:run:1.0=compileClasspath,runtimeClasspath,testRuntimeClasspath\n"
        "org.b:t:2.0=testCompileClasspath\n"
        "org.c:apt:3.0=annotationProcessor\n"
        "empty=kapt\n"
    )
    build = (
        "plugins {\n  id 'org.plug' version '1.2'\n}\ndependencies {\n"
        "  implementation 'org.a:run:1.0'\n  testImplementation(\"org.b:t:$version\")\n"
        "  implementation project(':near')\n  // implementation 'org.no:no:1'\n}\n"
    )
    assert rows({"gradle.lockfile": lock, "build.gradle": build}) == [
        "gradle.lockfile:2 pkg:maven/org.a/run@1.0 | 1.0 | runtime | direct",
        "gradle.lockfile:3 pkg:maven/org.b/t@2.0 | None | development | direct",
        "gradle.lockfile:4 pkg:maven/org.c/apt@3.0 | None | build | transitive",
    ]
    assert rows({"build.gradle.kts": build}) == [
        "build.gradle.kts:2 pkg:maven/org.plug/org.plug.gradle.plugin@1.2 | 1.2 | build | direct",
        "build.gradle.kts:5 pkg:maven/org.a/run@1.0 | 1.0 | runtime | direct",
        "build.gradle.kts:6 pkg:maven/org.b/t | None | development | direct",
    ]
    catalog = (
        '[versions]\nweb = "3.1"\nrich = { strictly = "2.0" }\n\n[libraries]\n'
        'web = { module = "org.web:web", version.ref = "web" }\nlib = "org.lib:lib:1.0"\n'
        'rich = { group = "org.rich", name = "rich", version.ref = "rich" }\nbom = { module = "org.b:b" }\n'
    )
    assert rows({"gradle/libs.versions.toml": catalog}) == [
        "gradle/libs.versions.toml:6 pkg:maven/org.web/web@3.1 | 3.1 | runtime | direct",
        "gradle/libs.versions.toml:7 pkg:maven/org.lib/lib@1.0 | 1.0 | runtime | direct",
        "gradle/libs.versions.toml:8 pkg:maven/org.rich/rich@2.0 | 2.0 | runtime | direct",
        "gradle/libs.versions.toml:9 pkg:maven/org.b/b | None | runtime | direct",
    ]
