"""Gradle: scripts in Groovy and Kotlin, version catalogs, lock files."""

from __future__ import annotations

from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]

CATALOG = """[versions]
web = "3.1"
rich = { strictly = "[2.0, 3.0[", prefer = "2.5" }
kotlin = "1.9.24"
[libraries]
web-core = { module = "org.web:core", version.ref = "web" }
web-ui = { module = "org.web:ui", version.ref = "web" }
lib = "org.lib:lib:1.0"
rich = { group = "org.rich", name = "rich", version.ref = "rich" }
bom = { module = "org.b:b", version = "9" }
managed = { module = "org.b:m" }
never_used = { module = "org.n:n", version = { require = "4.+" } }
[libraries.tabled]
module = "org.t:t"
version = "7"
[bundles]
web = ["web-core", "web-ui"]
[plugins]
jvm = { id = "org.jetbrains.kotlin.jvm", version.ref = "kotlin" }
other = "org.other:5"
"""
ROOT = """buildscript {
    ext.kotlin_version = '1.9.0'
    ext { versions = [junit: '5.10.0', slf: "2.0"] }
    dependencies { classpath "org.jetbrains.kotlin:kotlin-gradle-plugin:$kotlin_version" }
}
plugins { id 'org.plug' version '1.2'; id 'java' }
"""
KOTLIN = """plugins {
    alias(libs.plugins.jvm) apply false
    kotlin("kapt") version "1.9.1"
    id("own.convention")
}
val mock by extra("4.0")
/* implementation("org.no:no:1") */
dependencies {
    implementation(libs.bundles.web)
    implementation(platform(libs.bom))
    api(libs.managed)
    testImplementation(libs.rich.get())
    "kapt"(libs.tabled)
    implementation(kotlin("stdlib", "1.8.0"))
    implementation(project(":near:by:1"))
    implementation(projects.core)
    // implementation("org.no:no:1")
    implementation("com.x:jackson:$jacksonVersion") {
        exclude(group = "org.no", module = "no")
        because("a:b:c")
    }
    implementation("com.x:strict") { version { strictly("1.4") } }
    testImplementation("org.mock:mock:${property("mock")}")
    runtimeOnly(group = "org.g", name = "n", version = "1.0:all")
    implementation("org.v:v:${libs.versions.web.get()}")
    constraints { implementation("org.c:c:1") }
    detektPlugins("io.d:d:1.23@jar")
    implementation(npm("left-pad", "1.0"))
    implementation("org.lost:lost:$nowhere")
    implementation("org.dyn:dyn:1.+")
}
"""
GROOVY = """dependencyManagement { imports { mavenBom "org.spring:bom:3.2" } dependencies { dependency "org.no:no:1" } }
dependencies {
    implementation 'org.a:a:1', 'org.b2:b:2'
    implementation group: 'org.g', name: 'n',
        version: jacksonVersion
    testImplementation "org.junit:junit:${versions.junit}", libs.lib
    compileOnly files('x:y:z')
    api "org.slf:slf:" + versions.slf
    debugImplementation("org.leak:leak:2")
    add("runtimeOnly", "org.r:r:3")
}
"""
TREE = {
    "gradle/libs.versions.toml": CATALOG,
    "gradle.properties": "jacksonVersion=2.17.0\n# x=1\n",
    "build.gradle": ROOT,
    "app/build.gradle.kts": KOTLIN,
    "lib/build.gradle": GROOVY,
}


def test_scripts_use_catalogs_variables_and_properties_of_the_tree(rows: Rows) -> None:
    assert rows(TREE) == [
        "app/build.gradle.kts:2 pkg:maven/org.jetbrains.kotlin.jvm/org.jetbrains.kotlin.jvm.gradle.plugin@1.9.24 | 1.9.24 | build | direct",
        "app/build.gradle.kts:3 pkg:maven/org.jetbrains.kotlin.kapt/org.jetbrains.kotlin.kapt.gradle.plugin@1.9.1 | 1.9.1 | build | direct",
        "app/build.gradle.kts:9 pkg:maven/org.web/core@3.1 | 3.1 | runtime | direct",
        "app/build.gradle.kts:9 pkg:maven/org.web/ui@3.1 | 3.1 | runtime | direct",
        "app/build.gradle.kts:10 pkg:maven/org.b/b@9 | 9 | build | direct",
        "app/build.gradle.kts:11 pkg:maven/org.b/m | None | runtime | direct",
        "app/build.gradle.kts:12 pkg:maven/org.rich/rich | [2.0, 3.0[ | development | direct",
        "app/build.gradle.kts:13 pkg:maven/org.t/t@7 | 7 | build | direct",
        "app/build.gradle.kts:14 pkg:maven/org.jetbrains.kotlin/kotlin-stdlib@1.8.0 | 1.8.0 | runtime | direct",
        "app/build.gradle.kts:18 pkg:maven/com.x/jackson@2.17.0 | $jacksonVersion | runtime | direct",
        "app/build.gradle.kts:22 pkg:maven/com.x/strict@1.4 | 1.4 | runtime | direct",
        'app/build.gradle.kts:23 pkg:maven/org.mock/mock@4.0 | ${property("mock")} | development | direct',
        "app/build.gradle.kts:24 pkg:maven/org.g/n@1.0 | 1.0 | runtime | direct",
        "app/build.gradle.kts:25 pkg:maven/org.v/v@3.1 | ${libs.versions.web.get()} | runtime | direct",
        "app/build.gradle.kts:27 pkg:maven/io.d/d@1.23 | 1.23 | development | direct",
        "app/build.gradle.kts:29 pkg:maven/org.lost/lost | $nowhere | runtime | direct",
        "app/build.gradle.kts:30 pkg:maven/org.dyn/dyn | 1.+ | runtime | direct",
        "build.gradle:4 pkg:maven/org.jetbrains.kotlin/kotlin-gradle-plugin@1.9.0 | $kotlin_version | build | direct",
        "build.gradle:6 pkg:maven/org.plug/org.plug.gradle.plugin@1.2 | 1.2 | build | direct",
        "gradle/libs.versions.toml:12 pkg:maven/org.n/n | 4.+ | runtime | unknown",
        "gradle/libs.versions.toml:20 pkg:maven/org.other/org.other.gradle.plugin@5 | 5 | build | unknown",
        "lib/build.gradle:1 pkg:maven/org.spring/bom@3.2 | 3.2 | build | direct",
        "lib/build.gradle:3 pkg:maven/org.a/a@1 | 1 | runtime | direct",
        "lib/build.gradle:3 pkg:maven/org.b2/b@2 | 2 | runtime | direct",
        "lib/build.gradle:4 pkg:maven/org.g/n@2.17.0 | ${jacksonVersion} | runtime | direct",
        "lib/build.gradle:6 pkg:maven/org.junit/junit@5.10.0 | ${versions.junit} | development | direct",
        "lib/build.gradle:6 pkg:maven/org.lib/lib@1.0 | 1.0 | development | direct",
        "lib/build.gradle:8 pkg:maven/org.slf/slf@2.0 | ${versions.slf} | runtime | direct",
        "lib/build.gradle:9 pkg:maven/org.leak/leak@2 | 2 | development | direct",
        "lib/build.gradle:10 pkg:maven/org.r/r@3 | 3 | runtime | direct",
    ]


def test_entries_of_a_catalog_that_no_script_uses_are_not_known_to_be_direct(rows: Rows) -> None:
    alone = rows({"gradle/libs.versions.toml": CATALOG})
    assert len(alone) == 10
    assert all(row.endswith(" | unknown") for row in alone)
    used = rows({"gradle/libs.versions.toml": CATALOG, "build.gradle": "dependencies { api libs.lib }\n"})
    assert "build.gradle:1 pkg:maven/org.lib/lib@1.0 | 1.0 | runtime | direct" in used
    assert len(used) == 10
    elsewhere = rows(
        {"a/gradle/libs.versions.toml": CATALOG, "b/build.gradle": "dependencies { api libs.lib }\n"}
    )
    assert all(row.startswith("a/gradle/") for row in elsewhere)


def test_convention_plugins_look_entries_up_by_name(rows: Rows) -> None:
    script = (
        'val libs = extensions.getByType<VersionCatalogsExtension>().named("libs")\n'
        "dependencies {\n"
        '    "implementation"(libs.findLibrary("web-core").get())\n'
        '    "testImplementation"(libs.findBundle("web").get())\n'
        "}\n"
    )
    found = rows({"gradle/libs.versions.toml": CATALOG, "buildSrc/src/main/kotlin/own.gradle.kts": script})
    assert [row for row in found if row.startswith("buildSrc")] == [
        "buildSrc/src/main/kotlin/own.gradle.kts:3 pkg:maven/org.web/core@3.1 | 3.1 | runtime | direct",
        "buildSrc/src/main/kotlin/own.gradle.kts:4 pkg:maven/org.web/ui@3.1 | 3.1 | development | direct",
    ]


def test_a_variable_with_several_values_is_not_resolved(rows: Rows) -> None:
    script = (
        "def v = '1'\nif (x) {\n  v = '2'\n}\next.w = computed()\n"
        'dependencies {\n  api "a:v:$v"\n  api "a:w:$w"\n  api "a:x:${x}"\n}\n'
    )
    assert rows({"build.gradle": script, "gradle.properties": "x=${x}\n"}) == [
        "build.gradle:7 pkg:maven/a/v | $v | runtime | direct",
        "build.gradle:8 pkg:maven/a/w | $w | runtime | direct",
        "build.gradle:9 pkg:maven/a/x | ${x} | runtime | direct",
    ]


LOCK = """# This is a Gradle generated file for dependency locking.
org.a:run:1.0=compileClasspath,runtimeClasspath,testRuntimeClasspath
org.b:t:2.0=testCompileClasspath
org.c:apt:3.0=annotationProcessor
empty=kapt
"""
BUILD = """plugins {
  id 'org.plug' version '1.2'
}
dependencies {
  implementation 'org.a:run:1.0'
  testImplementation("org.b:t:$version")
  implementation project(':near')
}
"""


def test_a_lock_file_governs_the_script_beside_it_but_not_its_plugins(rows: Rows) -> None:
    assert rows({"gradle.lockfile": LOCK, "build.gradle": BUILD}) == [
        "build.gradle:2 pkg:maven/org.plug/org.plug.gradle.plugin@1.2 | 1.2 | build | direct",
        "gradle.lockfile:2 pkg:maven/org.a/run@1.0 | 1.0 | runtime | direct",
        "gradle.lockfile:3 pkg:maven/org.b/t@2.0 | $version | development | direct",
        "gradle.lockfile:4 pkg:maven/org.c/apt@3.0 | None | build | transitive",
    ]
    plugins = "org.plug:org.plug.gradle.plugin:1.2=classpath\norg.plug:core:1.2=classpath\nempty=\n"
    files = {"gradle.lockfile": LOCK, "build.gradle": BUILD, "buildscript-gradle.lockfile": plugins}
    assert rows(files)[:2] == [
        "buildscript-gradle.lockfile:1 pkg:maven/org.plug/org.plug.gradle.plugin@1.2 | 1.2 | build | direct",
        "buildscript-gradle.lockfile:2 pkg:maven/org.plug/core@1.2 | None | build | transitive",
    ]


def test_older_lock_files_stand_for_one_configuration_each(rows: Rows) -> None:
    files = {
        "app/build.gradle.kts": BUILD.replace("'", '"'),
        "app/gradle/dependency-locks/runtimeClasspath.lockfile": "# Gradle\norg.a:run:1.0\norg.d:deep:4.0\n",
        "app/gradle/dependency-locks/testCompileClasspath.lockfile": "org.b:t:2.0\n",
    }
    assert rows(files) == [
        "app/build.gradle.kts:2 pkg:maven/org.plug/org.plug.gradle.plugin@1.2 | 1.2 | build | direct",
        "app/gradle/dependency-locks/runtimeClasspath.lockfile:2 pkg:maven/org.a/run@1.0 | 1.0 | runtime | direct",
        "app/gradle/dependency-locks/runtimeClasspath.lockfile:3 pkg:maven/org.d/deep@4.0 | None | runtime | transitive",
        "app/gradle/dependency-locks/testCompileClasspath.lockfile:1 pkg:maven/org.b/t@2.0 | $version | development | direct",
    ]
