"""Terraform and OpenTofu: required providers and versions, modules, .terraform.lock.hcl."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from commandcenter.engine.manifests import hcl
from commandcenter.engine.manifests.inventory import Inventory
from commandcenter.engine.manifests.model import Unreadable

Rows = Callable[[dict[str, str]], list[str]]
Tree = Callable[[dict[str, str]], Inventory]

MAIN = """terraform {
  required_version = ">= 1.5, < 2.0"
  required_providers {
    aws = { # a comment with { and "
      source  = "hashicorp/aws"
      version = "~> 5.0"
      configuration_aliases = [aws.east, aws.west]
    }
    google = ">= 4"
    own = {
      source = "Registry.example.org/acme/own", version = "1.2.3"
    }
    terraform = { source = "terraform.io/builtin/terraform" }
  }
  backend "s3" { bucket = "x" }
}

/* module "gone" { source = "a/b/c" } */
module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.1.2"
  tags    = { Name = "${var.name}-${lookup(local.a, "}")}", source = "not/a/module" }
}
module "key" {
  source  = "terraform-aws-modules/iam/aws//modules/key"
  version = "~> 5.0"
}
module "mirror" { source = "app.example.com/acme/net/aws" }
module "near"   { source = "./modules/near" }
module "tagged" {
  source = "git::https://user:secret@github.com/Acme/Modules.git//net?ref=v1.2.0&depth=1"
}
module "branch" { source = "github.com/acme/modules//db?ref=main" }
module "ssh"    { source = "git@git.example.org:infra/mods.git?ref=0123456789abcdef0123456789abcdef01234567" }
module "lab"    { source = "git::ssh://git@gitlab.com/team/sub/mods.git?ref=release-2.0.1" }
module "zipped" { source = "s3::https://s3.example.org/bucket/net.zip" }
module "some"   { source = var.source }
resource "x" "y" {
  policy = <<-EOT
    module "not" { source = "a/b/c" }
    }
  EOT
  name = "%{ if true }a${"}"}%{ endif }"
}
"""


def test_a_configuration_names_providers_modules_and_its_tool(rows: Rows) -> None:
    sha = "0123456789abcdef0123456789abcdef01234567"
    assert rows({"live/main.tf": MAIN}) == [
        "live/main.tf:2 pkg:generic/terraform | >= 1.5, < 2.0 | build | direct",
        "live/main.tf:5 pkg:terraform/hashicorp/aws | ~> 5.0 | runtime | direct",
        "live/main.tf:9 pkg:terraform/hashicorp/google | >= 4 | runtime | direct",
        "live/main.tf:11 pkg:terraform/acme/own@1.2.3?repository_url=registry.example.org | 1.2.3 | runtime | direct",
        "live/main.tf:20 pkg:terraform/terraform-aws-modules/vpc/aws@5.1.2 | 5.1.2 | runtime | direct",
        "live/main.tf:25 pkg:terraform/terraform-aws-modules/iam/aws | ~> 5.0 | runtime | direct",
        "live/main.tf:28 pkg:terraform/acme/net/aws?repository_url=app.example.com | None | runtime | direct",
        "live/main.tf:31 pkg:github/acme/modules@v1.2.0 | v1.2.0 | runtime | direct",
        "live/main.tf:33 pkg:github/acme/modules | main | runtime | direct",
        f"live/main.tf:34 pkg:generic/git.example.org/infra/mods@{sha} | {sha} | runtime | direct",
        "live/main.tf:35 pkg:gitlab/team/sub/mods@release-2.0.1 | release-2.0.1 | runtime | direct",
        "live/main.tf:36 pkg:generic/s3.example.org/bucket/net.zip | None | runtime | direct",
    ]


LOCK = """# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.31.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:ltxyuBWIy9cq0kIKDJH1jeWJy/y7XJLjS4QrsQK4plA=",
  ]
}

provider "registry.opentofu.org/hashicorp/null" {
  version = "3.2.2"
}
"""


def test_locked_providers_answer_all_files_of_their_folder_and_modules_stay(rows: Rows) -> None:
    versions = 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n      version = "~> 5.0"\n    }\n  }\n}\n'
    module = 'module "vpc" {\n  source = "terraform-aws-modules/vpc/aws"\n  version = "5.1.2"\n}\n'
    files = {
        "a/versions.tf": versions,
        "a/main.tofu": module,
        "a/.terraform.lock.hcl": LOCK,
        "b/versions.tf": versions,
    }
    assert rows(files) == [
        "a/.terraform.lock.hcl:3 pkg:terraform/hashicorp/aws@5.31.0 | ~> 5.0 | runtime | direct",
        # A resource of it is enough to ask for a provider: nothing says that it is transitive.
        "a/.terraform.lock.hcl:11 pkg:terraform/hashicorp/null@3.2.2 | None | runtime | unknown",
        "a/main.tofu:2 pkg:terraform/terraform-aws-modules/vpc/aws@5.1.2 | 5.1.2 | runtime | direct",
        "b/versions.tf:4 pkg:terraform/hashicorp/aws | ~> 5.0 | runtime | direct",
    ]


def test_modules_are_not_missed_in_the_lock_file(tree: Tree) -> None:
    found = tree({"main.tf": MAIN, ".terraform.lock.hcl": LOCK})
    pair = next(pair for pair in found.pairs if pair.path == "main.tf")
    assert (pair.requirements, [absent.name for absent in pair.absent]) == (
        3,
        ["hashicorp/google", "registry.example.org/acme/own"],
    )


def test_modules_of_terragrunt(rows: Rows) -> None:
    git = 'terraform {\n  source = "git::git@github.com:acme/modules.git//app?ref=v0.4.0"\n}\ninputs = { a = "x/y/z" }\n'
    files = {
        "a/terragrunt.hcl": git,
        "b/terragrunt.hcl": 'terraform { source = "tfr:///terraform-aws-modules/vpc/aws//sub?version=5.1.2" }\n',
        "c/terragrunt.hcl": 'terraform { source = "tfr://registry.example.org/acme/net/aws?version=1.0.0" }\n',
        "d/terragrunt.hcl": 'terraform { source = "${local.base}//app" }\n',
        "e/terragrunt.hcl": 'terraform { source = "../modules/app" }\n',
    }
    assert rows(files) == [
        "a/terragrunt.hcl:2 pkg:github/acme/modules@v0.4.0 | v0.4.0 | runtime | direct",
        "b/terragrunt.hcl:1 pkg:terraform/terraform-aws-modules/vpc/aws@5.1.2 | 5.1.2 | runtime | direct",
        "c/terragrunt.hcl:1 pkg:terraform/acme/net/aws@1.0.0?repository_url=registry.example.org | 1.0.0 | runtime | direct",
    ]


def test_charts_that_a_configuration_installs(rows: Rows) -> None:
    text = """resource "helm_release" "karpenter" {
  name       = "karpenter"
  repository = "oci://public.example.org/karpenter"
  chart      = "karpenter"
  version    = "1.1.0"
  values     = [<<-EOT
    image: not:this
    EOT
  ]
}
resource "helm_release" "whole" { chart = "oci://public.example.org/charts/whole" }
resource "helm_release" "near" { chart = "./charts/near" }
resource "helm_release" "computed" { chart = var.chart }
resource "other" "x" {
  chart      = "not-this"
  repository = "https://charts.example.org"
}
"""
    assert rows({"main.tf": text}) == [
        (
            "main.tf:4 pkg:helm/karpenter@1.1.0?repository_url=oci://public.example.org/karpenter | "
            "1.1.0 | runtime | direct"
        ),
        "main.tf:11 pkg:helm/whole?repository_url=oci://public.example.org/charts | None | runtime | direct",
    ]


def test_the_json_syntax(rows: Rows) -> None:
    document = {
        "terraform": [
            {"required_version": "1.9.0", "required_providers": {"aws": {"source": "hashicorp/aws"}}}
        ],
        "module": {
            "vpc": {"source": "terraform-aws-modules/vpc/aws", "version": "5.1.2"},
            "near": [{"source": "../x"}],
        },
    }
    assert rows({"main.tf.json": json.dumps(document, indent=2)}) == [
        "main.tf.json:4 pkg:generic/terraform@1.9.0 | 1.9.0 | build | direct",
        "main.tf.json:6 pkg:terraform/hashicorp/aws | None | runtime | direct",
        "main.tf.json:14 pkg:terraform/terraform-aws-modules/vpc/aws@5.1.2 | 5.1.2 | runtime | direct",
    ]


@pytest.mark.parametrize(
    "text",
    [
        'a "b" {',
        'a { b = "${"',
        "a = <<X\nb\n",
        "/* a",
        "a { b = [ }",
        "a {" * 100_000,
    ],
)
def test_what_has_no_end_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        hcl.blocks(text, ("a",))


def test_deep_nesting_is_passed_over() -> None:
    depth = 100_000
    (block,) = hcl.blocks("a {" * depth + "}" * depth + '\na {\n x = "1"\n}\n', ("a",))[1:]
    assert block.attributes == {"x": "1"}
