"""A checkpoint of the Idefics3 family as transformers computes it: float32, plain attention, one thread, Pillow's pictures."""
import json
import os
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")

import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForImageTextToText, Idefics3Processor, PreTrainedTokenizerFast
from transformers.image_utils import load_image
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

torch.set_num_threads(1)
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

IMAGE_PROCESSORS = {"idefics3": Idefics3ImageProcessorPil, "smolvlm": SmolVLMImageProcessorPil}


def open_model(folder, adapter=None):
    """The model, every weight of the files used and none missing; `adapter` is a folder in PEFT's format."""
    model, report = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not report[problem], f"{folder}: {problem} {report[problem]}"
    return (model if adapter is None else PeftModel.from_pretrained(model, adapter)).eval()


def open_processor(folder):
    """AutoProcessor would choose the torchvision classes; SmolVLM's own class only adds what videos need."""
    config = json.loads((Path(folder) / "config.json").read_text())
    vision = config["vision_config"]
    tokens_per_tile = (vision["image_size"] // vision["patch_size"] // config["scale_factor"]) ** 2
    return Idefics3Processor(
        image_processor=IMAGE_PROCESSORS[config["model_type"]].from_pretrained(folder),
        tokenizer=PreTrainedTokenizerFast.from_pretrained(folder),
        image_seq_len=tokens_per_tile,
        chat_template=(Path(folder) / "chat_template.jinja").read_text(encoding="utf-8"))


def encode(processor, images, question):
    """Model inputs for one user turn: the picture files (turned by EXIF, converted to RGB), then the question."""
    content = [{"type": "image"}] * len(images) + [{"type": "text", "text": question}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
    pictures = [[load_image(str(image)) for image in images]] if images else None
    return dict(processor(text=[prompt], images=pictures, return_tensors="pt"))
