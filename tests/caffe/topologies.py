"""Prototxts of the classic networks, small: their blocks as the papers have them, on inputs of a few pixels."""


def layer(kind: str, name: str, bottoms: str, top: str = "", **params: str) -> str:
    """The text of one layer; bottoms are divided by spaces, parameters are `relu_param="..."`."""
    read = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    made = " ".join(f'top: "{each}"' for each in (top or name).split())
    own = " ".join(f"{field} {{ {text} }}" for field, text in params.items())
    return f'layer {{ name: "{name}" type: "{kind}" {read} {made} {own} }}\n'


def data(*shape: int, name: str = "data") -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'


def conv(name: str, bottom: str, outputs: int, rest: str = "kernel_size: 3 pad: 1", relu: bool = True) -> str:
    text = layer("Convolution", name, bottom, convolution_param=f"num_output: {outputs} {rest}")
    return text + (layer("ReLU", f"relu_{name}", name, name) if relu else "")


def conv_norm(name: str, bottom: str, outputs: int, rest: str = "kernel_size: 3 pad: 1", relu: bool = True) -> str:
    """Convolution, BatchNorm and Scale in place, as in ResNet."""
    return (
        conv(name, bottom, outputs, f"{rest} bias_term: false", relu=False)
        + layer("BatchNorm", f"bn_{name}", name, name, batch_norm_param="use_global_stats: true")
        + layer("Scale", f"scale_{name}", name, name, scale_param="bias_term: true")
        + (layer("ReLU", f"relu_{name}", name, name) if relu else "")
    )


def pool(name: str, bottom: str, rest: str = "kernel_size: 3 stride: 2") -> str:
    return layer("Pooling", name, bottom, pooling_param=rest)


def dense(name: str, bottom: str, outputs: int) -> str:
    return layer("InnerProduct", name, bottom, inner_product_param=f"num_output: {outputs}")


def softmax(bottom: str) -> str:
    return layer("Softmax", "prob", bottom)


LENET = (
    'name: "LeNet"\n'
    + data(2, 1, 28, 28)
    + conv("conv1", "data", 6, "kernel_size: 5", relu=False)
    + pool("pool1", "conv1", "pool: MAX kernel_size: 2 stride: 2")
    + conv("conv2", "pool1", 12, "kernel_size: 5", relu=False)
    + pool("pool2", "conv2", "pool: MAX kernel_size: 2 stride: 2")
    + dense("ip1", "pool2", 30)
    + layer("ReLU", "relu1", "ip1", "ip1")
    + dense("ip2", "ip1", 10)
    + softmax("ip2")
)

ALEXNET = (
    'name: "AlexNet"\n'
    + data(2, 3, 67, 67)
    + conv("conv1", "data", 12, "kernel_size: 11 stride: 4")
    + layer("LRN", "norm1", "conv1", lrn_param="local_size: 5 alpha: 0.5 beta: 0.75")
    + pool("pool1", "norm1")
    + conv("conv2", "pool1", 16, "kernel_size: 5 pad: 2 group: 2")
    + layer("LRN", "norm2", "conv2", lrn_param="local_size: 3 alpha: 0.1 beta: 0.75")
    + pool("pool2", "norm2")
    + conv("conv3", "pool2", 18)
    + conv("conv4", "conv3", 18, "kernel_size: 3 pad: 1 group: 2")
    + pool("pool5", "conv4")
    + dense("fc6", "pool5", 24)
    + layer("ReLU", "relu6", "fc6", "fc6")
    + layer("Dropout", "drop6", "fc6", "fc6", dropout_param="dropout_ratio: 0.5")
    + dense("fc8", "fc6", 10)
    + softmax("fc8")
)

INCEPTION = (
    'name: "Inception"\n'
    + data(1, 3, 20, 20)
    + conv("stem", "data", 8, "kernel_size: 3 stride: 2")
    + conv("a1", "stem", 4, "kernel_size: 1")
    + conv("b1", "stem", 4, "kernel_size: 1")
    + conv("b2", "b1", 6)
    + conv("c1", "stem", 2, "kernel_size: 1")
    + conv("c2", "c1", 4, "kernel_h: 1 kernel_w: 5 pad_h: 0 pad_w: 2")
    + conv("c3", "c2", 4, "kernel_h: 5 kernel_w: 1 pad_h: 2 pad_w: 0")
    + pool("d0", "stem", "pool: MAX kernel_size: 3 stride: 1 pad: 1")
    + conv("d1", "d0", 4, "kernel_size: 1")
    + layer("Concat", "output", "a1 b2 c3 d1")
    + pool("pool5", "output", "pool: AVE global_pooling: true")
    + dense("loss3", "pool5", 10)
    + softmax("loss3")
)

RESNET = (
    'name: "ResNet"\n'
    + data(2, 3, 33, 33)
    + conv_norm("conv1", "data", 8, "kernel_size: 7 pad: 3 stride: 2")
    + pool("pool1", "conv1", "pool: MAX kernel_size: 3 stride: 2")
    + conv_norm("res2a_branch1", "pool1", 16, "kernel_size: 1", relu=False)
    + conv_norm("res2a_branch2a", "pool1", 4, "kernel_size: 1")
    + conv_norm("res2a_branch2b", "res2a_branch2a", 4)
    + conv_norm("res2a_branch2c", "res2a_branch2b", 16, "kernel_size: 1", relu=False)
    + layer("Eltwise", "res2a", "res2a_branch1 res2a_branch2c")
    + layer("ReLU", "res2a_relu", "res2a", "res2a")
    + conv_norm("res2b_branch2a", "res2a", 4, "kernel_size: 1")
    + conv_norm("res2b_branch2b", "res2b_branch2a", 16, relu=False)
    + layer("Eltwise", "res2b", "res2a res2b_branch2b")
    + layer("ReLU", "res2b_relu", "res2b", "res2b")
    + pool("pool5", "res2b", "pool: AVE kernel_size: 8 stride: 1")
    + dense("fc", "pool5", 10)
    + softmax("fc")
)

MOBILENET = (
    'name: "MobileNet"\n'
    + data(1, 3, 24, 24)
    + conv_norm("conv1", "data", 8, "kernel_size: 3 pad: 1 stride: 2")
    + conv_norm("dw1", "conv1", 8, "kernel_size: 3 pad: 1 group: 8")
    + conv_norm("sep1", "dw1", 16, "kernel_size: 1")
    + conv_norm("expand", "sep1", 32, "kernel_size: 1")
    + conv_norm("dw2", "expand", 32, "kernel_size: 3 pad: 1 group: 32")
    + conv_norm("linear", "dw2", 16, "kernel_size: 1", relu=False)
    + layer("Eltwise", "sum", "sep1 linear")
    + pool("pool6", "sum", "pool: AVE global_pooling: true")
    + conv("fc7", "pool6", 10, "kernel_size: 1", relu=False)
    + softmax("fc7")
)

SQUEEZENET = (
    'name: "SqueezeNet"\n'
    + data(1, 3, 32, 32)
    + conv("conv1", "data", 8, "kernel_size: 3 stride: 2")
    + pool("pool1", "conv1")
    + conv("squeeze", "pool1", 4, "kernel_size: 1")
    + conv("expand1x1", "squeeze", 8, "kernel_size: 1")
    + conv("expand3x3", "squeeze", 8)
    + layer("Concat", "fire", "expand1x1 expand3x3")
    + pool("pool3", "fire")
    + layer("Dropout", "drop9", "pool3", "pool3")
    + conv("conv10", "pool3", 10, "kernel_size: 1")
    + pool("pool10", "conv10", "pool: AVE global_pooling: true")
    + softmax("pool10")
)

DENSENET = (
    'name: "DenseNet"\n'
    + data(1, 3, 16, 16)
    + conv("conv1", "data", 8, relu=False)
    + layer("BatchNorm", "bn1", "conv1", "bn1")
    + layer("Scale", "scale1", "bn1", "bn1", scale_param="bias_term: true")
    + layer("ReLU", "relu1", "bn1", "bn1")
    + conv("conv2", "bn1", 4, relu=False)
    + layer("Concat", "concat1", "conv1 conv2")
    + layer("BatchNorm", "bn2", "concat1", "bn2")
    + layer("Scale", "scale2", "bn2", "bn2", scale_param="bias_term: true")
    + layer("ReLU", "relu2", "bn2", "bn2")
    + conv("conv3", "bn2", 4, relu=False)
    + layer("Concat", "concat2", "concat1 conv3")
    + pool("pool2", "concat2", "pool: AVE kernel_size: 2 stride: 2")
)

UNET = (
    'name: "U-Net"\n'
    + data(1, 1, 30, 30)
    + conv("d0", "data", 6, "kernel_size: 3")
    + pool("pool1", "d0", "pool: MAX kernel_size: 2 stride: 2")
    + conv("d1", "pool1", 10, "kernel_size: 3")
    + layer("Deconvolution", "up", "d1", convolution_param="num_output: 6 kernel_size: 2 stride: 2")
    + layer("ReLU", "relu_up", "up", "up")
    + layer("Crop", "crop", "d0 up", crop_param="axis: 2 offset: 2 offset: 2")
    + layer("Concat", "joined", "up crop")
    + conv("u0", "joined", 6, "kernel_size: 3")
    + layer("Deconvolution", "score", "u0", convolution_param="num_output: 6 kernel_size: 4 stride: 2 pad: 1 group: 6")
)

TOPOLOGIES = {
    "LeNet": LENET,
    "AlexNet": ALEXNET,
    "Inception": INCEPTION,
    "ResNet": RESNET,
    "MobileNet": MOBILENET,
    "SqueezeNet": SQUEEZENET,
    "DenseNet": DENSENET,
    "U-Net": UNET,
}
