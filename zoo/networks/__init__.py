"""Networks: subclassed, built by their constructor, any resolution, any channels."""

from zoo.networks.classifier import CLSGANFeatures
from zoo.networks.dcgan import DCGANCritic, DCGANGenerator
from zoo.networks.network import Network

__all__ = ["CLSGANFeatures", "DCGANCritic", "DCGANGenerator", "Network"]
