# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recipes: a data set and settings to a fitted network. One module a recipe; `RECIPES` is the only list.

A new recipe is a subclass of `Recipe`, its settings a subclass of `Settings`, in a module of its own, and one line here
that registers it.
"""

from obstacle_classifier.training.recipes.adamw import AdamWRecipe, AdamWSettings
from obstacle_classifier.training.recipes.default import DefaultRecipe, DefaultSettings
from obstacle_classifier.training.recipes.recipe import (
    RECIPES,
    Epoch,
    Fitted,
    Recipe,
    ResumableRecipe,
    recipe_of,
    register,
)
from obstacle_classifier.training.recipes.reference import ReferenceRecipe, ReferenceSettings
from obstacle_classifier.training.recipes.sgd import SGDRecipe, SGDSettings
from obstacle_classifier.training.recipes.single import SingleRecipe, SingleSettings

__all__ = [
    "DEFAULT",
    "RECIPES",
    "AdamWRecipe",
    "AdamWSettings",
    "DefaultRecipe",
    "DefaultSettings",
    "Epoch",
    "Fitted",
    "Recipe",
    "ReferenceRecipe",
    "ReferenceSettings",
    "ResumableRecipe",
    "SGDRecipe",
    "SGDSettings",
    "SingleRecipe",
    "SingleSettings",
    "recipe_of",
    "register",
]

DEFAULT = DefaultSettings.recipe
"""Name of the recipe that is used if none is named."""

register(DefaultRecipe)
register(SingleRecipe)
register(AdamWRecipe)
register(SGDRecipe)
register(ReferenceRecipe)
