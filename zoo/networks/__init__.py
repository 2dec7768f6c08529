"""Generators, critics and feature networks, for several image sizes and any number of channels."""

from zoo.networks.autoencoder import AutoEncoderCritic, AutoEncoderGenerator
from zoo.networks.building import make_critic, make_features, make_generator
from zoo.networks.characters import CharacterCritic, CharacterGenerator
from zoo.networks.classifier import CLSGANFeatures, ReleasedCLSGANFeatures
from zoo.networks.conditional import ConditionalCritic, ConditionalGenerator, ProjectionCritic
from zoo.networks.dcgan import DCGANCritic, DCGANGenerator
from zoo.networks.mlp import MLPCritic, MLPGenerator
from zoo.networks.network import Critic, Generator, ImageNetwork, Network
from zoo.networks.r3gan import R3GANCritic, R3GANGenerator
from zoo.networks.registry import NETWORKS, check_image_size
from zoo.networks.residual import ResidualFeatures
from zoo.networks.resnet import ResNetCritic, ResNetGenerator
from zoo.networks.scene import SceneCritic, SceneGenerator

__all__ = [
    "AutoEncoderCritic",
    "AutoEncoderGenerator",
    "CLSGANFeatures",
    "CharacterCritic",
    "CharacterGenerator",
    "ConditionalCritic",
    "ConditionalGenerator",
    "Critic",
    "DCGANCritic",
    "DCGANGenerator",
    "Generator",
    "ImageNetwork",
    "MLPCritic",
    "MLPGenerator",
    "NETWORKS",
    "Network",
    "ProjectionCritic",
    "R3GANCritic",
    "R3GANGenerator",
    "ReleasedCLSGANFeatures",
    "ResNetCritic",
    "ResNetGenerator",
    "ResidualFeatures",
    "SceneCritic",
    "SceneGenerator",
    "check_image_size",
    "make_critic",
    "make_features",
    "make_generator",
]
