"""All dataset formats, the most particular first: the first whose rules hold is taken."""

from calibench.datasets.folder import CLASS_FOLDERS, PLAIN_FOLDER
from calibench.datasets.formats.cifar import CIFAR
from calibench.datasets.formats.cityscapes import CITYSCAPES
from calibench.datasets.formats.coco import COCO
from calibench.datasets.formats.format import Format
from calibench.datasets.formats.idx import MNIST_IDX
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST
from calibench.datasets.formats.lfw import LFW
from calibench.datasets.formats.open_images import OPEN_IMAGES
from calibench.datasets.formats.semantic_folder import SEMANTIC_FOLDER
from calibench.datasets.formats.super_resolution import SUPER_RESOLUTION
from calibench.datasets.formats.text_lines import TEXT_LINES
from calibench.datasets.formats.vgg_face import VGG_FACE
from calibench.datasets.formats.voc import VOC
from calibench.datasets.formats.wider_face import WIDER_FACE
from calibench.datasets.formats.yolo import YOLO

FORMATS: tuple[Format, ...] = (
    COCO,
    VOC,
    OPEN_IMAGES,
    WIDER_FACE,
    YOLO,
    CITYSCAPES,
    LFW,
    VGG_FACE,
    SEMANTIC_FOLDER,
    SUPER_RESOLUTION,
    MNIST_IDX,
    CIFAR,
    TEXT_LINES,
    IMAGENET_LIST,
    CLASS_FOLDERS,
    PLAIN_FOLDER,
)
