"""pom.xml."""

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
