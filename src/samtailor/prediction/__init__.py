"""Parts of a prediction: the current image, answers, many images, files with prompts."""
