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


def test_boms_of_the_tree_speak_with_their_own_properties(rows: Rows) -> None:
    bom = """<project>
  <groupId>org.example</groupId><artifactId>bom</artifactId><version>2</version>
  <properties><same>1.0</same></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.a</groupId><artifactId>a</artifactId><version>${same}</version></dependency>
    <dependency><groupId>org.b</groupId><artifactId>b</artifactId><version>1.0</version></dependency>
    <dependency><groupId>org.t</groupId><artifactId>t</artifactId><version>4</version><scope>test</scope></dependency>
    <dependency>
      <groupId>org.example</groupId><artifactId>bom</artifactId><version>2</version><type>pom</type><scope>import</scope>
    </dependency>
  </dependencies></dependencyManagement>
</project>
"""
    user = """<project>
  <groupId>org.example</groupId><artifactId>user</artifactId><version>1</version>
  <properties><same>9.9</same></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.example</groupId><artifactId>bom</artifactId><version>2</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>org.b</groupId><artifactId>b</artifactId><version>2.0</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.a</groupId><artifactId>a</artifactId></dependency>
    <dependency><groupId>org.b</groupId><artifactId>b</artifactId></dependency>
    <dependency><groupId>org.t</groupId><artifactId>t</artifactId></dependency>
  </dependencies>
</project>
"""
    assert rows({"bom/pom.xml": bom, "user/pom.xml": user}) == [
        "user/pom.xml:9 pkg:maven/org.a/a@1.0 | 1.0 | runtime | direct",
        "user/pom.xml:10 pkg:maven/org.b/b@2.0 | 2.0 | runtime | direct",
        "user/pom.xml:11 pkg:maven/org.t/t@4 | 4 | development | direct",
    ]


def test_profiles_plugins_and_extensions_ask_for_packages_too(rows: Rows) -> None:
    pom = """<project>
  <groupId>org.example</groupId><artifactId>user</artifactId><version>${revision}</version>
  <properties><revision>5</revision></properties>
  <build>
    <extensions>
      <extension><groupId>org.e</groupId><artifactId>wagon</artifactId><version>3</version></extension>
    </extensions>
    <pluginManagement><plugins>
      <plugin><artifactId>maven-jar-plugin</artifactId><version>3.3.0</version></plugin>
    </plugins></pluginManagement>
    <plugins>
      <plugin>
        <artifactId>maven-jar-plugin</artifactId>
        <dependencies>
          <dependency><groupId>org.p</groupId><artifactId>p</artifactId><version>1</version></dependency>
        </dependencies>
      </plugin>
    </plugins>
  </build>
  <profiles>
    <profile>
      <id>it</id>
      <properties><only.here>7</only.here></properties>
      <dependencies>
        <dependency><groupId>org.i</groupId><artifactId>i</artifactId><version>1</version><scope>provided</scope></dependency>
        <dependency><groupId>org.o</groupId><artifactId>o</artifactId><version>${only.here}</version></dependency>
        <dependency><groupId>org.v</groupId><artifactId>v</artifactId><version>${project.version}</version></dependency>
      </dependencies>
      <build><plugins><plugin><groupId>org.q</groupId><artifactId>q</artifactId></plugin></plugins></build>
    </profile>
  </profiles>
</project>
"""
    core = "<extensions><extension><groupId>org.c</groupId><artifactId>c</artifactId><version>1.1</version></extension></extensions>"
    assert rows({"pom.xml": pom, ".mvn/extensions.xml": core, "docs/extensions.xml": core}) == [
        ".mvn/extensions.xml:1 pkg:maven/org.c/c@1.1 | 1.1 | build | direct",
        "pom.xml:6 pkg:maven/org.e/wagon@3 | 3 | build | direct",
        "pom.xml:12 pkg:maven/org.apache.maven.plugins/maven-jar-plugin@3.3.0 | 3.3.0 | build | direct",
        "pom.xml:15 pkg:maven/org.p/p@1 | 1 | build | direct",
        "pom.xml:25 pkg:maven/org.i/i@1 | 1 | build | direct",
        "pom.xml:26 pkg:maven/org.o/o | ${only.here} | runtime | direct",
        "pom.xml:27 pkg:maven/org.v/v@5 | ${project.version} | runtime | direct",
        "pom.xml:29 pkg:maven/org.q/q | None | build | direct",
    ]
